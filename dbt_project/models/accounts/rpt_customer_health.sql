{#- What `int_customer_health` adds up, on the data day. -#}
with {{ group_falls() }}

select
    group_falls.customer_id,
    group_falls.product_group,
    weights.weight,
    cast(group_falls.fall * cast(0.0001 as decimal(5, 4)) as decimal(24, 4)) as fall_percent,
    health.fall_percent as customer_fall_percent,
    health.health,
    health.ends_on as as_of_date
from group_falls
inner join {{ ref('health_weights') }} as weights on group_falls.product_group = weights.product_group
inner join {{ ref('int_customer_health') }} as health
    on group_falls.customer_id = health.customer_id
    and group_falls.weeks_ago = health.weeks_ago
where weights.weight > 0 and group_falls.weeks_ago = 0

{#- The falls of a customer's products, weighted by seed `health_weights`; the weights of those that it used before are
    what they are shares of. Growth of one product does not hide the fall of another. Volumes of different counters are
    not added: a group's main product stands for it, since add-ons look at the same usage, and without one they do alike. -#}
with product_falls as (
    select
        volumes.customer_id,
        volumes.weeks_ago,
        volumes.ends_on,
        products.product_group,
        products.product_key = products.product_group as is_main,
        case when volumes.change_millionths < 0 then -volumes.change_millionths else 0 end as fall
    from {{ ref('int_customer_volumes') }} as volumes
    inner join {{ ref('products') }} as products on volumes.product_key = products.product_key
    where volumes.change_millionths is not null
),

group_falls as (
    select
        customer_id,
        weeks_ago,
        ends_on,
        product_group,
        coalesce(max(case when is_main then fall end), {{ divide_half_up('sum(fall)', 'count(*)') }}) as fall
    from product_falls
    group by customer_id, weeks_ago, ends_on, product_group
),

falls as (
    select
        group_falls.customer_id,
        group_falls.weeks_ago,
        group_falls.ends_on,
        sum(weights.weight * group_falls.fall) as weighted_fall,
        sum(weights.weight) as weights
    from group_falls
    inner join {{ ref('health_weights') }} as weights on group_falls.product_group = weights.product_group
    where weights.weight > 0
    group by group_falls.customer_id, group_falls.weeks_ago, group_falls.ends_on
),

shares as (
    select
        customer_id,
        weeks_ago,
        ends_on,
        cast(
            {{ divide_half_up('weighted_fall', 'weights') }} * cast(0.0001 as decimal(5, 4)) as decimal(24, 4)
        ) as fall_percent
    from falls
)

select
    customer_id,
    weeks_ago,
    ends_on,
    fall_percent,
    case
        when fall_percent > {{ threshold('health_poor_percent') }} then 'poor'
        when fall_percent > {{ threshold('health_concerning_percent') }} then 'concerning'
        else 'healthy'
    end as health
from shares

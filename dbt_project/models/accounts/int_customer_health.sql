{#- The falls of a customer's product groups, weighted by seed `health_weights`; the weights of those that it used
    before are what they are shares of. -#}
with {{ group_falls() }},

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

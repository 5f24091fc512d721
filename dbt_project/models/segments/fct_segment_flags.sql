with states as (
    {{ criteria_group_states(ref('int_flag_results'), 'organization_id') | indent }}
),

flags as (
    select
        organization_id,
        min(case when segment = 'growth_focus' then state end) as growth_focus,
        min(case when segment = 'sales_led_target' then state end) as sales_led_target,
        sum(case when segment = 'hobbyist_bonus' and state = 3 then 1 else 0 end) as bonus_points
    from states
    group by organization_id
)

select
    segments.organization_id,
    case when flags.growth_focus >= 2 then true when flags.growth_focus = 0 then false end as growth_focus,
    case when flags.sales_led_target >= 2 then true when flags.sales_led_target = 0 then false end as sales_led_target,
    cast(case when segments.icp_segment = 'hobbyist' then flags.bonus_points end as int) as hobbyist_bonus_points
from {{ ref('int_organization_segments') }} as segments
inner join flags on segments.organization_id = flags.organization_id

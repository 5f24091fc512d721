with crossings as (
    select rule, group_value, max(day) as crossed_on, count(*) as times_crossed
    from {{ ref('int_figure_crossings') }}
    where is_crossing
    group by rule, group_value
),

today as (
    select figures.rule, figures.group_value, figures.figure, figures.figure_before, figures.is_past_bound
    from {{ ref('int_figure_crossings') }} as figures
    inner join {{ ref('int_data_day') }} as data_day on figures.day = data_day.as_of_date
)

select
    rules.rule,
    rules.metric,
    rules.group_by,
    coalesce(today.group_value, rules.group_value, 'all') as group_value,
    rules.comparison,
    rules.bound,
    cast(rules.days as int) as days,
    today.figure,
    today.figure_before,
    case rules.metric
        when 'mrr' then 'USD a month'
        when 'paying_customers' then 'customers'
        when 'usage' then 'units in seven days'
        when 'expected_bills' then 'USD'
        when 'signups' then 'sign-ups in seven days'
        when 'onboarding_queue_size' then 'customers'
        when 'late_contacts' then 'customers'
        else 'share'
    end as unit,
    today.is_past_bound,
    crossings.crossed_on,
    cast(coalesce(crossings.times_crossed, 0) as int) as times_crossed,
    coalesce(
        crossings.crossed_on > {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('figure_alert_told_days') ~ ' as int)', 'data_day.as_of_date'
        ) }}
        and crossings.crossed_on >= coalesce(rules.muted_until, crossings.crossed_on),
        false
    ) as is_told,
    rules.channel,
    rules.receiver,
    rules.muted_until,
    rules.next_action,
    data_day.as_of_date
from {{ ref('figure_alert_rules') }} as rules
cross join {{ ref('int_data_day') }} as data_day
left join today on rules.rule = today.rule
left join crossings
    on today.rule = crossings.rule
    and today.group_value = crossings.group_value

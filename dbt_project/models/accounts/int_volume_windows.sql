{#- The days that volume is looked at on: the data day and those a week apart before it. Each window counts its reported
    days only: a missing day must not look like a fall. -#}
with calendar as (
    {{ calendar('day') | indent(4) }}
),

days_ago as (
    select
        calendar.day as ends_on,
        cast({{ dbt.datediff('calendar.day', 'data_day.as_of_date', 'day') }} as int) as days
    from calendar
    cross join {{ ref('int_data_day') }} as data_day
),

looks as (
    select cast(days / 7 as int) as weeks_ago, ends_on
    from days_ago
    where days >= 0 and days < 7 * {{ threshold('health_looks') }} and days % 7 = 0
),

starts as (
    select
        weeks_ago,
        ends_on,
        cast({{ dbt.dateadd('day', '-1 * cast(' ~ threshold('health_window_days') ~ ' as int)', 'ends_on') }} as date)
            as recent_after,
        cast({{ dbt.dateadd('day', '-2 * cast(' ~ threshold('health_window_days') ~ ' as int)', 'ends_on') }} as date)
            as before_after,
        cast({{ dbt.dateadd('day', -7, 'ends_on') }} as date) as recent_week_after,
        cast({{ dbt.dateadd('day', -14, 'ends_on') }} as date) as week_before_after
    from looks
)

select
    starts.weeks_ago,
    starts.ends_on,
    starts.recent_after,
    starts.before_after,
    starts.recent_week_after,
    starts.week_before_after,
    cast(sum(case when days.date > starts.recent_after then 1 else 0 end) as int) as recent_days,
    cast(sum(case when days.date <= starts.recent_after then 1 else 0 end) as int) as before_days,
    cast(sum(case when days.date > starts.recent_week_after then 1 else 0 end) as int) as recent_week_days,
    cast(
        sum(case when days.date > starts.week_before_after and days.date <= starts.recent_week_after then 1 else 0 end)
        as int
    ) as week_before_days
from starts
inner join {{ ref('int_history_days') }} as days
    on days.is_reported
    and days.date > starts.before_after
    and days.date <= starts.ends_on
group by
    starts.weeks_ago,
    starts.ends_on,
    starts.recent_after,
    starts.before_after,
    starts.recent_week_after,
    starts.week_before_after

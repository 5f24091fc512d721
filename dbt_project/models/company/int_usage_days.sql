{#- Organizations that reported each day, in one pass over the long table. A day is compared with the days before it
    in its stretch, and also with those of the last quarter: otherwise a week with a wrong clock would set the measure
    of the next day. -#}
with calendar as (
    {{ calendar('day') | indent(4) }}
),

counted as (
    select date, count(*) as organizations, max(received_at) as last_received_at
    from {{ ref('stg_usage__usage_reports') }}
    group by date
),

reported as (
    select counted.date, counted.organizations, counted.last_received_at
    from counted
    inner join calendar on counted.date = calendar.day
),

numbered as (
    select
        date,
        organizations,
        last_received_at,
        row_number() over (order by date) as day_number,
        case
            when {{ dbt.datediff('lag(date) over (order by date)', 'date', 'day') }} > {{ threshold('data_day_gap_days') }}
                then 1
            else 0
        end as is_after_gap
    from reported
),

stretches as (
    select
        date,
        organizations,
        last_received_at,
        day_number,
        cast(
            sum(is_after_gap) over (order by date rows between unbounded preceding and current row) as int
        ) as stretch_number
    from numbered
),

usual as (
    select
        days.date,
        cast(
            percentile_cont(0.5) within group (
                order by case
                    when days.day_number - earlier.day_number <= {{ threshold('data_day_week_days') }}
                        then earlier.organizations
                end
            ) as decimal(18, 1)
        ) as organizations_of_week,
        cast(
            percentile_cont(0.5) within group (order by earlier.organizations) as decimal(18, 1)
        ) as organizations_of_quarter
    from stretches as days
    inner join stretches as earlier
        on days.stretch_number = earlier.stretch_number
        and earlier.day_number < days.day_number
        and days.day_number - earlier.day_number <= {{ threshold('data_day_quarter_days') }}
    group by days.date
),

judged as (
    select
        stretches.date,
        stretches.organizations,
        stretches.stretch_number,
        stretches.last_received_at >= {{ dbt.dateadd('day', 1, 'stretches.date') }} as is_over,
        coalesce(
            stretches.organizations >= {{ threshold('data_day_quorum_share') }}
            * greatest(usual.organizations_of_week, usual.organizations_of_quarter),
            true
        ) as has_quorum
    from stretches
    left join usual on stretches.date = usual.date
)

select
    date,
    cast(organizations as int) as organizations,
    stretch_number,
    cast(sum(organizations) over (partition by stretch_number) as bigint) as reports_of_stretch,
    is_over,
    has_quorum,
    has_quorum and is_over as is_complete
from judged

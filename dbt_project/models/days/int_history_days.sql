{#- Every day from the first one of usage to the data day, and whether enough organizations reported it: a day of which
    only a few wrong reports came is missing for everybody. -#}
with calendar as (
    {{ calendar('day') | indent(4) }}
),

days as (
    select
        calendar.day as date,
        coalesce(reported.has_quorum, false) as is_reported
    from calendar
    inner join {{ ref('int_data_day') }} as data_day
        on calendar.day >= data_day.first_usage_day
        and calendar.day <= data_day.as_of_date
    left join {{ ref('int_usage_days') }} as reported on calendar.day = reported.date
)

select
    date,
    is_reported,
    cast(
        sum(case when is_reported then 0 else 1 end) over (
            order by date
            rows between unbounded preceding and current row
        ) as int
    ) as missing_days_so_far
from days

{#- Every day from the first report of usage to the data day, and whether anything was reported of it. -#}
with numbers as (
    select cast(generated_number as int) - 1 as day_number
    from ({{ dbt.generate_series(10000) | indent(4) }}) as series
),

reported as (
    select reports.date
    from {{ ref('stg_usage__usage_reports') }} as reports
    cross join {{ ref('int_data_day') }} as data_day
    where reports.date <= data_day.as_of_date
    group by reports.date
),

history as (
    select min(date) as first_day
    from reported
),

days as (
    select cast({{ dbt.dateadd('day', 'numbers.day_number', 'history.first_day') }} as date) as date
    from history
    cross join {{ ref('int_data_day') }} as data_day
    inner join numbers
        on numbers.day_number <= {{ dbt.datediff('history.first_day', 'data_day.as_of_date', 'day') }}
)

select
    days.date,
    reported.date is not null as is_reported,
    cast(
        sum(case when reported.date is null then 1 else 0 end) over (
            order by days.date
            rows between unbounded preceding and current row
        ) as int
    ) as missing_days_so_far
from days
left join reported on days.date = reported.date

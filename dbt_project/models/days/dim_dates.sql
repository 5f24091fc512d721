{#- Whole years, from that of the first day of usage to the one after the data day's: contracts and targets lie ahead. -#}
with days as (
    {{ calendar('day') | indent(4) }}
),

dates as (
    select
        days.day as date,
        {{ month_of('days.day') }} as month,
        data_day.as_of_date,
        data_day.last_closed_month,
        history.is_reported
    from days
    inner join {{ ref('int_data_day') }} as data_day
        on days.day >= {{ dbt.date_trunc('year', 'data_day.first_usage_day') }}
        and days.day < {{ dbt.dateadd('year', 2, dbt.date_trunc('year', 'data_day.as_of_date')) }}
    left join {{ ref('int_history_days') }} as history on days.day = history.date
)

select
    date,
    cast({{ dbt.date_trunc('week', 'date') }} as date) as week,
    month,
    cast({{ dbt.date_trunc('quarter', 'date') }} as date) as quarter,
    cast(extract(year from date) as int) as year,
    cast({{ dbt.datediff(dbt.date_trunc('week', 'date'), 'date', 'day') }} + 1 as int) as day_of_week,
    date = {{ month_end('month') }} as is_month_end,
    coalesce(month <= last_closed_month, false) as is_in_closed_month,
    date = as_of_date as is_data_day,
    is_reported
from dates

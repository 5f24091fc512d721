{#- A monthly figure stands from the day on which its month is closed until the next one is. Where a sum has no rows on a
    day it is 0, so that a group that everybody left is seen to fall; retention without a base is not known. -#}
with days as (
    select
        dates.date as day,
        {{ last_closed_month('dates.date') }} as closed_month
    from {{ ref('dim_dates') }} as dates
    inner join {{ ref('int_data_day') }} as data_day
        on dates.date <= data_day.as_of_date
        and dates.date > {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('figure_alert_days') ~ ' as int)', 'data_day.as_of_date'
        ) }}
),

stretch as (
    select
        min(day) as first_day,
        max(day) as last_day,
        cast({{ dbt.dateadd('day', -6, 'min(day)') }} as date) as first_summed_day,
        min(closed_month) as first_month
    from days
),

{#- A day without reports is missing, not zero. -#}
reported as (
    select days.day, sum(case when history.is_reported then 1 else 0 end) as reported_days
    from days
    left join {{ ref('int_history_days') }} as history
        on history.date <= days.day
        and history.date > {{ dbt.dateadd('day', -7, 'days.day') }}
    group by days.day
),

{#- Sums of seven days, which have one of each weekday. -#}
counted as (
    select
        'usage' as metric,
        'product_key' as group_by,
        usage.product_key as group_value,
        usage.date as day,
        sum(usage.quantity) as figure
    from {{ ref('fct_usage_daily') }} as usage
    inner join {{ ref('int_history_days') }} as history
        on usage.date = history.date
        and history.is_reported
    inner join stretch on usage.date >= stretch.first_summed_day and usage.date <= stretch.last_day
    group by usage.product_key, usage.date

    union all

    select 'signups', 'company', 'all', cast(organizations.created_at as date), count(*)
    from {{ ref('int_organizations') }} as organizations
    inner join stretch
        on cast(organizations.created_at as date) >= stretch.first_summed_day
        and cast(organizations.created_at as date) <= stretch.last_day
    group by cast(organizations.created_at as date)
),

weeks as (
    select
        counted.metric,
        counted.group_by,
        counted.group_value,
        reported.day,
        case
            when counted.metric <> 'usage' then sum(counted.figure)
            else {{ divide_half_up(
                'cast(sum(counted.figure) * 70000 as decimal(38, 0))', 'reported.reported_days', 'decimal(28, 0)'
            ) }} * 0.0001
        end as figure
    from counted
    inner join reported
        on counted.day <= reported.day
        and counted.day > {{ dbt.dateadd('day', -7, 'reported.day') }}
    group by counted.metric, counted.group_by, counted.group_value, reported.day, reported.reported_days
),

summed as (
    select metric, group_by, group_value, day, figure
    from weeks

    union all

    select months.metric, months.group_by, months.group_value, days.day, months.figure
    from {{ ref('int_month_figures') }} as months
    inner join days on months.month = days.closed_month
    where months.metric in ('mrr', 'paying_customers')
),

series as (
    select distinct metric, group_by, group_value
    from summed
)

select
    series.metric,
    series.group_by,
    series.group_value,
    reported.day,
    cast(coalesce(summed.figure, 0) as decimal(24, 4)) as figure
from series
inner join reported on series.metric <> 'usage' or reported.reported_days > 0
left join summed
    on series.metric = summed.metric
    and series.group_by = summed.group_by
    and series.group_value = summed.group_value
    and reported.day = summed.day

union all

select months.metric, months.group_by, months.group_value, days.day, months.figure
from {{ ref('int_month_figures') }} as months
inner join days on months.month = days.closed_month
where months.metric in ('ndr_12_months', 'gdr_12_months') and months.figure is not null

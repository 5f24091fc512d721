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
        cast({{ dbt.dateadd('day', -6, 'min(day)') }} as date) as first_summed_day,
        max(day) as last_day
    from days
),

{#- A day without reports is missing, not zero: the last reported one of its weekday, of the four weeks before, stands for
    it. -#}
used_days as (
    select history.date as day, max(reported.date) as reported_day
    from {{ ref('int_history_days') }} as history
    inner join stretch on history.date >= stretch.first_summed_day and history.date <= stretch.last_day
    inner join {{ ref('int_history_days') }} as reported
        on reported.is_reported
        and reported.date in (
            history.date{% for weeks in range(1, 5) %},
            cast({{ dbt.dateadd('day', -7 * weeks, 'history.date') }} as date)
            {%- endfor %}
        )
    group by history.date
),

weeks as (
    select days.day, count(*) as used_days
    from days
    inner join used_days
        on used_days.day <= days.day
        and used_days.day > {{ dbt.dateadd('day', -7, 'days.day') }}
    group by days.day
),

{#- Days whose week has every weekday on which the company reports at all. -#}
whole_weeks as (
    select day
    from weeks
    where used_days = (select max(used_days) from weeks)
),

{#- Sums of seven days, which have one of each weekday. -#}
counted as (
    select
        'usage' as metric,
        'product_key' as group_by,
        usage.product_key as group_value,
        used_days.day,
        sum(usage.quantity) as figure
    from {{ ref('fct_usage_daily') }} as usage
    inner join used_days on usage.date = used_days.reported_day
    where usage.date >= (select cast({{ dbt.dateadd('day', -28, 'first_summed_day') }} as date) from stretch)
    group by usage.product_key, used_days.day

    union all

    select 'signups', 'company', 'all', cast(organizations.created_at as date), count(*)
    from {{ ref('int_organizations') }} as organizations
    inner join stretch
        on cast(organizations.created_at as date) >= stretch.first_summed_day
        and cast(organizations.created_at as date) <= stretch.last_day
    group by cast(organizations.created_at as date)
),

summed as (
    select counted.metric, counted.group_by, counted.group_value, days.day, sum(counted.figure) as figure
    from counted
    inner join days
        on counted.day <= days.day
        and counted.day > {{ dbt.dateadd('day', -7, 'days.day') }}
    group by counted.metric, counted.group_by, counted.group_value, days.day

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
    days.day,
    cast(coalesce(summed.figure, 0) as decimal(24, 4)) as figure
from series
cross join days
left join whole_weeks on days.day = whole_weeks.day
left join summed
    on series.metric = summed.metric
    and series.group_by = summed.group_by
    and series.group_value = summed.group_value
    and days.day = summed.day
where series.metric <> 'usage' or whole_weeks.day is not null

union all

select months.metric, months.group_by, months.group_value, days.day, months.figure
from {{ ref('int_month_figures') }} as months
inner join days on months.month = days.closed_month
where months.metric in ('ndr_12_months', 'gdr_12_months') and months.figure is not null

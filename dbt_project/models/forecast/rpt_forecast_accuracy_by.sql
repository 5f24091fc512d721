{#- Where forecasts were right and where they were not, on every fifth day of a period. -#}
{%- set groups = {
    'month': 'cast(' ~ month_of(dbt.dateadd('day', -1, 'period_end')) ~ ' as ' ~ dbt.type_string() ~ ')',
    'bill': "case when is_first_bill then 'first' else 'later' end",
    'size_tier': 'tier',
} -%}

with judged as {{ computed_once() }} (
    select
        judged.period_end,
        judged.is_first_bill,
        tiers.tier,
        judged.day_of_period,
        judged.method,
        judged.bill_usd,
        judged.forecast_usd,
        judged.error,
        judged.is_in_interval,
        judged.interval_width
    from {{ ref('int_judged_forecasts') }} as judged
    left join {{ ref('int_size_tiers') }} as tiers
        on {{ arr_usd_year('judged.bill_usd') }} >= tiers.arr_from_usd_year
        and {{ arr_usd_year('judged.bill_usd') }} < tiers.arr_below_usd_year
    where judged.is_counted and judged.day_of_period % 5 = 0
),

grouped as (
    {% for group_by, group_value in groups.items() -%}
    select
        '{{ group_by }}' as group_by,
        {{ group_value }} as group_value,
        day_of_period,
        method,
        bill_usd,
        forecast_usd,
        error,
        is_in_interval,
        interval_width
    from judged
    {% if group_by == 'size_tier' -%}
    where tier is not null
    {% endif -%}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    group_by,
    group_value,
    day_of_period,
    method,
    cast(count(*) as int) as n,
    cast(avg(cast(error as decimal(28, 9))) as decimal(24, 4)) as mean_absolute_percentage_error,
    cast(
        {{ estimate('sum(abs(forecast_usd - bill_usd))') }} / {{ estimate('sum(bill_usd)') }} as decimal(24, 4)
    ) as weighted_absolute_percentage_error,
    cast({{ estimate('sum(forecast_usd - bill_usd)') }} / {{ estimate('sum(bill_usd)') }} as decimal(24, 4)) as bias,
    cast(avg(case when is_in_interval then 1 when not is_in_interval then 0 end) as decimal(9, 4)) as interval_coverage,
    cast(percentile_cont(0.5) within group (order by interval_width) as decimal(24, 4)) as median_interval_width
from grouped
group by group_by, group_value, day_of_period, method

{#- Where forecasts were right and where they were not, on every fifth day of a period. -#}
{%- set groups = {
    'month': 'cast(' ~ month_of(dbt.dateadd('day', -1, 'judged.period_end')) ~ ' as ' ~ dbt.type_string() ~ ')',
    'bill': "case when judged.is_first_bill then 'first' else 'later' end",
    'size_tier': 'tiers.tier',
} -%}

with grouped as (
    {% for group_by, group_value in groups.items() -%}
    select
        '{{ group_by }}' as group_by,
        {{ group_value }} as group_value,
        judged.day_of_period,
        judged.method,
        judged.bill_usd,
        judged.forecast_usd,
        judged.error,
        judged.is_in_interval,
        judged.interval_width
    from {{ ref('int_judged_forecasts') }} as judged
    {% if group_by == 'size_tier' -%}
    inner join {{ ref('int_size_tiers') }} as tiers
        on {{ arr_usd_year('judged.bill_usd') }} >= tiers.arr_from_usd_year
        and {{ arr_usd_year('judged.bill_usd') }} < tiers.arr_below_usd_year
    {% endif -%}
    where judged.is_counted and judged.day_of_period % 5 = 0
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

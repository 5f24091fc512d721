{#- Units that are expected of the rest of an open period by each of five methods, a row for each day: a history, since
    what each method is worth for an account is learned from its periods that have closed.

    - level: the mean level of the last weeks.
    - step: the level since it last changed for good; the level if it did not.
    - trend: the level, carried on at the pace of the last four weeks to the four before, of which four fifths are believed;
      the middle of the level is nine days back.
    - month: what followed the same day of the last two months, times what usage has been since to what it was then.
    - weeks: what followed four and eight weeks before.

    Of constant usage all five are the same number. -#}
{{ built_by_days('as_of_date') }}
{%- set months = [1, 2] -%}

with periods as (
    select distinct account_id, period_start, period_end
    from {{ ref('int_account_days') }}
),

ends as (
    {% for name, day in ends_alike().items() -%}
    select account_id, period_start, period_end, '{{ name }}' as name, {{ day }} as date
    from periods
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

sums as (
    select
        ends.account_id,
        ends.period_start,
        ends.period_end,
        windows.product_key,
        {% for name in ends_alike() -%}
        max(case when ends.name = '{{ name }}' then windows.expected_so_far end) as {{ name }}_so_far{{ ',' if not loop.last }}
        {% endfor %}
    from ends
    inner join {{ ref('int_usage_windows') }} as windows
        on ends.account_id = windows.account_id
        and ends.date = windows.date
    group by ends.account_id, ends.period_start, ends.period_end, windows.product_key
),

levels as (
    select
        levels.*,
        {% for number in months -%}
        {{ same_day_before(number) }} as month_{{ number }}_from{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_daily_levels') }} as levels
),

usage as (
    select
        levels.*,
        {% for name in ends_alike() -%}
        sums.{{ name }}_so_far,
        {% endfor -%}
        {% for number in months -%}
        case when month_{{ number }}.age_days >= 29 then month_{{ number }}.expected_so_far end as month_{{ number }}_from_so_far,
        {{ estimate('nullif(month_' ~ number ~ '.month_quantity, 0)') }} as month_{{ number }}_quantity{{ ',' if not loop.last }}
        {% endfor %}
    from levels
    left join sums
        on levels.account_id = sums.account_id
        and levels.period_start = sums.period_start
        and levels.period_end = sums.period_end
        and levels.product_key = sums.product_key
    {% for number in months -%}
    left join {{ ref('int_usage_windows') }} as month_{{ number }}
        on levels.account_id = month_{{ number }}.account_id
        and levels.product_key = month_{{ number }}.product_key
        and levels.month_{{ number }}_from = month_{{ number }}.date
    {% endfor %}
),

by_cycle as (
    select
        usage.*,
        case
            when age_days >= 55 and weeks_before > 0 and weeks_quantity <> weeks_before then power(
                greatest(least({{ estimate('weeks_quantity') }} / {{ estimate('weeks_before') }}, trend_max_factor), 1 / trend_max_factor),
                (days_left + 18) / 70.0
            )
        end as growth,
        {% for number in months -%}
        case
            when {{ ends_alike()['month_' ~ number] }} <= as_of_date
                then {{ estimate('month_' ~ number ~ '_so_far - month_' ~ number ~ '_from_so_far') }}
                    * least(
                        coalesce({{ estimate('month_quantity') }} / nullif(month_{{ number }}_quantity, 0), month_growth_max_factor),
                        month_growth_max_factor
                    )
        end as by_month_{{ number }},
        {% endfor -%}
        {% for number, age_days, quantity in [(4, 27, 'weeks_quantity'), (8, 55, '(weeks_quantity + weeks_before)')] -%}
        case
            when month_quantity = 0 then 0
            when age_days >= {{ age_days }} and {{ ends_alike()['weeks_' ~ number] }} <= as_of_date
                then weeks_{{ number }}_so_far - expected_so_far + {{ quantity }}
        end as by_weeks_{{ number }}{{ ',' if not loop.last }}
        {% endfor %}
    from usage
    cross join {{ thresholds_to_estimate_with(['trend_max_factor', 'month_growth_max_factor']) | indent(4) }} as thresholds
)

select
    account_organization_id,
    as_of_date,
    product_key,
    period_start,
    period_end,
    {{ elapsed_fifths(
        '(' ~ dbt.datediff('period_start', 'period_end', 'day') ~ ' - days_left)', dbt.datediff('period_start', 'period_end', 'day')
    ) }} as elapsed_fifths,
    cast(expected_so_far - coalesce(before_so_far, 0) as decimal(24, 6)) as expected_to_date,
    by_level,
    coalesce(by_changed_level, by_level) as by_step,
    case when growth is null then by_level else cast({{ estimate('by_level') }} * growth as decimal(24, 6)) end as by_trend,
    cast((by_month_1 + coalesce(by_month_2, by_month_1)) / 2 as decimal(24, 6)) as by_month,
    cast({{ estimate('by_weeks_4 + coalesce(by_weeks_8, by_weeks_4)') }} / 2 as decimal(24, 6)) as by_weeks
from by_cycle

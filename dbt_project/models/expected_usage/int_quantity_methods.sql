{#- Units that are expected of the rest of an open period by each of five methods, a row for each day: a history, since
    what each method is worth for an account is learned from its periods that have closed.

    - level: the mean level of the last weeks.
    - step: the level since it last changed for good; the level if it did not.
    - trend: the level, carried on at half the pace of the last weeks.
    - month: what followed the same day of the last two months, times what usage has been since to what it was then.
    - weeks: what followed four and eight weeks before.

    Of constant usage all five are the same number. -#}
{{ built_by_days('as_of_date') }}

{%- set cycles = ['month_1', 'month_2', 'weeks_4', 'weeks_8'] -%}

with usage as (
    select
        levels.account_organization_id,
        levels.as_of_date,
        levels.product_key,
        levels.age_days,
        alike.period_start,
        alike.period_end,
        cast(today.expected_so_far - coalesce(before.expected_so_far, 0) as decimal(24, 6)) as expected_to_date,
        levels.by_level,
        levels.by_step,
        levels.by_trend,
        today.month_quantity,
        {% for cycle in cycles -%}
        {{ cycle }}_from.age_days as {{ cycle }}_age_days,
        {{ cycle }}_from.month_quantity as {{ cycle }}_month_quantity,
        {{ estimate(cycle ~ '_to.expected_so_far - coalesce(' ~ cycle ~ '_from.expected_so_far, 0)') }} as {{ cycle }}_quantity
        {{- ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_daily_levels') }} as levels
    inner join {{ ref('int_days_alike') }} as alike
        on levels.account_organization_id = alike.account_organization_id
        and levels.as_of_date = alike.as_of_date
    inner join {{ ref('int_usage_windows') }} as today
        on alike.account_id = today.account_id
        and levels.product_key = today.product_key
        and alike.as_of_date = today.date
    left join {{ ref('int_usage_windows') }} as before
        on alike.account_id = before.account_id
        and levels.product_key = before.product_key
        and before.date = alike.day_before_period
    {% for cycle in cycles -%}
    {% for end in ['from', 'to'] -%}
    left join {{ ref('int_usage_windows') }} as {{ cycle }}_{{ end }}
        on alike.account_id = {{ cycle }}_{{ end }}.account_id
        and levels.product_key = {{ cycle }}_{{ end }}.product_key
        and alike.{{ cycle }}_{{ end }} = {{ cycle }}_{{ end }}.date
    {% endfor -%}
    {% endfor %}
),

by_cycle as (
    select
        account_organization_id,
        as_of_date,
        product_key,
        period_start,
        period_end,
        expected_to_date,
        by_level,
        by_step,
        by_trend,
        {% for month in ['month_1', 'month_2'] -%}
        case
            when {{ month }}_age_days >= 29 then {{ month }}_quantity * least(
                {{ estimate('month_quantity') }} / {{ estimate(month ~ '_month_quantity') }}, growth_max
            )
        end as by_{{ month }},
        {% endfor -%}
        case when month_quantity = 0 then 0 when age_days >= 27 then weeks_4_quantity end as by_weeks_4,
        case when month_quantity = 0 then 0 when age_days >= 55 then weeks_8_quantity end as by_weeks_8
    from usage
    cross join (select {{ estimate(threshold('month_growth_max_factor')) }} as growth_max) as thresholds
)

select
    account_organization_id,
    as_of_date,
    product_key,
    period_start,
    period_end,
    cast(floor(5.0 * ({{ dbt.datediff('period_start', 'as_of_date', 'day') }} + 1)
    / {{ dbt.datediff('period_start', 'period_end', 'day') }}) as int) as elapsed_fifths,
    expected_to_date,
    by_level,
    by_step,
    by_trend,
    cast((by_month_1 + coalesce(by_month_2, by_month_1)) / 2 as decimal(24, 6)) as by_month,
    cast((by_weeks_4 + coalesce(by_weeks_8, by_weeks_4)) / 2 as decimal(24, 6)) as by_weeks
from by_cycle

{#- Whether what billing calls the current period cannot be one: it is too long, or ends before it starts. -#}
{% macro is_no_period(versions) -%}
    coalesce(
        {{ versions }}.current_period_end_at <= {{ versions }}.current_period_start_at
        or {{ dbt.datediff(versions ~ '.current_period_start_at', versions ~ '.current_period_end_at', 'day') }}
            > {{ threshold('billing_period_max_days') }},
        false
    )
{%- endmacro %}


{#- How much of a period is over, in thirtieths, cut off: 30 on its last day alone. -#}
{% macro elapsed_thirtieths(day_of_period, period_days) -%}
    cast(floor(30.0 * {{ day_of_period }} / {{ period_days }}) as int)
{%- endmacro %}


{#- A number of units as one to estimate with, where fractions of the sixth decimal do not matter. Never money. -#}
{% macro estimate(number) -%}
    {{ return(adapter.dispatch('estimate', 'growth')(number)) }}
{%- endmacro %}


{#- The methods by which units of the rest of a period are expected (model int_quantity_methods). -#}
{% macro forecast_methods() -%}
    {{ return(['level', 'step', 'trend', 'month', 'weeks']) }}
{%- endmacro %}


{#- Whether two levels are further apart than the weeks on either side are among themselves. -#}
{% macro levels_differ(one, other, side, other_side=none) -%}
    greatest({{ one }}, {{ other }}) > least({{ one }}, {{ other }}) * greatest(
        {{ estimate(threshold('step_min_factor')) }},
        {% for weeks in [side, other_side] if weeks -%}
        power(greatest({{ weeks | join(', ') }}) / (least({{ weeks | join(', ') }}) + 0.000001), 2)
        {{- ', ' if other_side and loop.first }}
        {%- endfor %}
    )
{%- endmacro %}

{#- Unix seconds, as Stripe sends them, to an instant in UTC without a zone. -#}
{% macro from_unix_seconds(seconds) -%}
    {{ return(adapter.dispatch('from_unix_seconds', 'growth')(seconds)) }}
{%- endmacro %}


{#- Every day, or the first day of every month, between the bounds that the input contract gives dates: a query with one
    column, named by the unit. A model that needs a series takes it from here and says itself where it ends, so that no
    series is cut off. -#}
{% macro calendar(unit) -%}
    {%- set first = modules.datetime.date.fromisoformat(first_date()) -%}
    {%- set last = modules.datetime.date.fromisoformat(last_date()) -%}
    {%- set length = {'day': (last - first).days + 1, 'month': 12 * (last.year - first.year) + 1}[unit] -%}
    select
        cast(
            {{ dbt.dateadd(unit, 'cast(generated_number as int) - 1', "cast('" ~ first ~ "' as date)") }} as date
        ) as {{ unit }}
    from ({{ dbt.generate_series(length) }}) as numbers
{%- endmacro %}


{% macro month_of(day) -%}
    cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}


{#- The last day of the month that starts on `month`. -#}
{% macro month_end(month) -%}
    cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 1, month)) }} as date)
{%- endmacro %}


{#- The newest month that is closed on `day`: bills are made on the first days of the next one. -#}
{% macro last_closed_month(day) -%}
    {%- set day_after_end = dbt.dateadd('day', '1 - cast(' ~ threshold('month_closes_after_days') ~ ' as int)', day) -%}
    cast({{ dbt.dateadd('month', -1, month_of(day_after_end)) }} as date)
{%- endmacro %}


{#- The day on which the month that starts on `month` is closed. -#}
{% macro month_closes_on(month) -%}
    cast(
        {{ dbt.dateadd('day', 'cast(' ~ threshold('month_closes_after_days') ~ ' as int)', month_end(month)) }} as date
    )
{%- endmacro %}


{#- The last instant of a period whose end is exclusive: Stripe's clock has whole seconds. -#}
{% macro last_instant(period_end) -%}
    {{ dbt.dateadd('second', -1, period_end) }}
{%- endmacro %}


{#- Months of a period, at least one. 400 years have 146,097 days and 4,800 months: counted by these, a period from a
    clamped anchor (28 February to 31 March) is one month, and a week is one too. -#}
{% macro months_covered(period_start, period_end) -%}
    greatest(
        {{ divide_half_up(dbt.datediff(period_start, period_end, 'day') ~ ' * 4800', '146097') }},
        1
    )
{%- endmacro %}

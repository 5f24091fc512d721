{#- Unix seconds, as Stripe sends them, to an instant in UTC without a zone. -#}
{% macro from_unix_seconds(seconds) -%}
    {{ return(adapter.dispatch('from_unix_seconds', 'growth')(seconds)) }}
{%- endmacro %}

{% macro duckdb__from_unix_seconds(seconds) -%}
    make_timestamp(cast({{ seconds }} as bigint) * 1000000)
{%- endmacro %}


{% macro month_of(day) -%}
    cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}


{#- The last day of the month that starts on `month`. -#}
{% macro month_end(month) -%}
    cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 1, month)) }} as date)
{%- endmacro %}


{#- The last instant of a period whose end is exclusive: Stripe's clock has whole seconds. -#}
{% macro last_instant(period_end) -%}
    {{ dbt.dateadd('second', -1, period_end) }}
{%- endmacro %}

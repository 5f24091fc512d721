{#- Marks a CTE that is computed once and for itself. Without it DuckDB plans a long row of windows, each on the one
    before, in time that doubles with every window. -#}
{% macro materialized() -%}
    {{ return(adapter.dispatch('materialized', 'growth')()) }}
{%- endmacro %}

{% macro default__materialized() -%}
{%- endmacro %}

{% macro duckdb__materialized() -%}
    materialized
{%- endmacro %}

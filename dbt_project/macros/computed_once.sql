{#- Marks a CTE that is computed once and for itself. Without it DuckDB plans a long row of windows, each on the one
    before, in time that doubles with every window; PostgreSQL writes it out in each place that uses it. -#}
{% macro computed_once() -%}
    {{ return(adapter.dispatch('computed_once', 'growth')()) }}
{%- endmacro %}

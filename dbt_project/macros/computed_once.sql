{#- Marks a CTE that is computed once and for itself. Without it DuckDB plans a long row of windows, each on the one
    before, in time that doubles with every window. -#}
{% macro computed_once() -%}
    {{ return(adapter.dispatch('computed_once', 'growth')()) }}
{%- endmacro %}


{#- Marks a CTE that PostgreSQL would write out in each place that uses it, and so on for those that use these: of a
    chain of them the last would be computed thousands of times. -#}
{% macro not_inlined() -%}
    {{ return(adapter.dispatch('not_inlined', 'growth')()) }}
{%- endmacro %}

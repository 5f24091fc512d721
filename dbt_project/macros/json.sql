{#- JSON is read in staging only, and only through these macros: each engine has functions of its own for it. -#}

{% macro json_text(column, path=none) -%}
    {{ return(adapter.dispatch('json_text', 'growth')(column, path)) }}
{%- endmacro %}


{#- A select of the columns `keep` of `rows` (what follows `from`) and of many fields of one JSON column as text:
    `fields` is their paths by name. DuckDB reads each document once this way, and once a field with json_text. -#}
{% macro json_fields(rows, column, keep, fields) -%}
    {{ return(adapter.dispatch('json_fields', 'growth')(rows, column, keep, fields)) }}
{%- endmacro %}


{#- A subselect with a row for each entry of a JSON list of a relation: the columns `keep` of its document, its `value`,
    and its `number` in the list from 1. DuckDB's lateral join would keep the whole document with each of its entries:
    tens of gigabytes for one invoice of some thousand lines. -#}
{% macro json_array_rows(relation, keep, column, path=none) -%}
    {{ return(adapter.dispatch('json_array_rows', 'growth')(relation, keep, column, path)) }}
{%- endmacro %}


{#- The same for the keys of a JSON object: each one's `name` and `value`. -#}
{% macro json_object_rows(relation, keep, column) -%}
    {{ return(adapter.dispatch('json_object_rows', 'growth')(relation, keep, column)) }}
{%- endmacro %}


{#- The sum of whole numbers in the entries of a JSON list; with `where`, only of entries whose field of that name is
    `equals`. -#}
{% macro json_array_sum(column, path, field, where=none, equals=none) -%}
    {{ return(adapter.dispatch('json_array_sum', 'growth')(column, path, field, where, equals)) }}
{%- endmacro %}

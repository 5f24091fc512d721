{#- JSON is read in staging only, and only through these macros: each engine has functions of its own for it. -#}

{% macro json_text(column, path=none) -%}
    {{ return(adapter.dispatch('json_text', 'growth')(column, path)) }}
{%- endmacro %}

{% macro duckdb__json_text(column, path) -%}
    json_extract_string({{ column }}, '${{ '.' ~ path if path else '' }}')
{%- endmacro %}


{#- A select of the columns `keep` of `rows` (what follows `from`) and of many fields of one JSON column as text:
    `fields` is their paths by name. DuckDB reads each document once this way, and once a field with json_text. -#}
{% macro json_fields(rows, column, keep, fields) -%}
    {{ return(adapter.dispatch('json_fields', 'growth')(rows, column, keep, fields)) }}
{%- endmacro %}

{% macro duckdb__json_fields(rows, column, keep, fields) -%}
    select
        {% for name in keep.values() -%}
        {{ name }},
        {% endfor -%}
        {% for name in fields -%}
        found[{{ loop.index }}] as {{ name }}{{ ',' if not loop.last }}
        {% endfor -%}
    from (
        select
            {% for expression, name in keep.items() -%}
            {{ expression }} as {{ name }},
            {% endfor -%}
            json_extract_string({{ column }}, ['$.{{ fields.values() | join("', '$.") }}']) as found
        from {{ rows }}
    ) as documents
{%- endmacro %}


{% macro json_array_rows(column, alias, path=none) -%}
    {{ return(adapter.dispatch('json_array_rows', 'growth')(column, alias, path)) }}
{%- endmacro %}

{% macro duckdb__json_array_rows(column, alias, path) -%}
    cross join lateral (
        select unnest(json_extract({{ column }}, '${{ '.' ~ path if path else '' }}[*]')) as value
    ) as {{ alias }}
{%- endmacro %}


{% macro json_object_rows(column, alias) -%}
    {{ return(adapter.dispatch('json_object_rows', 'growth')(column, alias)) }}
{%- endmacro %}

{% macro duckdb__json_object_rows(column, alias) -%}
    cross join lateral (
        select
            unnest(json_keys({{ column }})) as name,
            unnest(json_extract_string({{ column }}, '$.*')) as value
    ) as {{ alias }}
{%- endmacro %}


{% macro json_array_sum(column, path, field) -%}
    {{ return(adapter.dispatch('json_array_sum', 'growth')(column, path, field)) }}
{%- endmacro %}

{% macro duckdb__json_array_sum(column, path, field) -%}
    cast(coalesce(list_sum(cast(json_extract({{ column }}, '$.{{ path }}[*].{{ field }}') as bigint[])), 0) as bigint)
{%- endmacro %}

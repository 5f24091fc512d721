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


{#- A subselect with a row for each entry of a JSON list of a relation: the columns `keep` of its document, its `value`,
    and its `number` in the list from 1. DuckDB's lateral join would keep the whole document with each of its entries:
    tens of gigabytes for one invoice of some thousand lines. -#}
{% macro json_array_rows(relation, keep, column, path=none) -%}
    {{ return(adapter.dispatch('json_array_rows', 'growth')(relation, keep, column, path)) }}
{%- endmacro %}

{% macro duckdb__json_array_rows(relation, keep, column, path) -%}
    {%- set entries = "json_extract(" ~ column ~ ", '$" ~ ('.' ~ path if path else '') ~ "[*]')" -%}
    (
        select {{ keep | join(', ') }}, unnest({{ entries }}) as value, generate_subscripts({{ entries }}, 1) as number
        from {{ relation }}
    )
{%- endmacro %}


{#- The same for the keys of a JSON object: each one's `name` and `value`. -#}
{% macro json_object_rows(relation, keep, column) -%}
    {{ return(adapter.dispatch('json_object_rows', 'growth')(relation, keep, column)) }}
{%- endmacro %}

{% macro duckdb__json_object_rows(relation, keep, column) -%}
    (
        select
            {{ keep | join(', ') }},
            unnest(json_keys({{ column }})) as name,
            unnest(json_extract_string({{ column }}, '$.*')) as value
        from {{ relation }}
    )
{%- endmacro %}


{#- The sum of whole numbers in the entries of a JSON list; with `where`, only of entries whose field of that name is
    `equals`. -#}
{% macro json_array_sum(column, path, field, where=none, equals=none) -%}
    {{ return(adapter.dispatch('json_array_sum', 'growth')(column, path, field, where, equals)) }}
{%- endmacro %}

{% macro duckdb__json_array_sum(column, path, field, where, equals) -%}
    {%- set numbers = "cast(json_extract(" ~ column ~ ", '$." ~ path ~ "[*]." ~ field ~ "') as bigint[])" -%}
    {%- if where -%}
        {%- set numbers -%}
        list_transform(
            list_filter(
                json_extract({{ column }}, '$.{{ path }}[*]'),
                lambda entry: coalesce(json_extract_string(entry, '$.{{ where }}') = '{{ equals }}', false)
            ),
            lambda entry: cast(json_extract_string(entry, '$.{{ field }}') as bigint)
        )
        {%- endset -%}
    {%- endif -%}
    cast(coalesce(list_sum({{ numbers }}), 0) as bigint)
{%- endmacro %}

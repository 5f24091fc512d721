{#- What DuckDB has its own words for. The macro that a model calls stands with what it is about (json.sql, money.sql, …)
    and says what it gives; each engine's file has all of these. -#}

{% macro duckdb__divide_cut(numerator, denominator, type) -%}
    cast(cast({{ numerator }} as hugeint) // nullif(cast({{ denominator }} as hugeint), 0) as {{ type }})
{%- endmacro %}


{% macro duckdb__json_text(column, path) -%}
    json_extract_string({{ column }}, '${{ '.' ~ path if path else '' }}')
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


{% macro duckdb__json_array_rows(relation, keep, column, path) -%}
    {%- set entries = "json_extract(" ~ column ~ ", '$" ~ ('.' ~ path if path else '') ~ "[*]')" -%}
    (
        select {{ keep | join(', ') }}, unnest({{ entries }}) as value, generate_subscripts({{ entries }}, 1) as number
        from {{ relation }}
    )
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


{% macro duckdb__from_unix_seconds(seconds) -%}
    make_timestamp(cast({{ seconds }} as bigint) * 1000000)
{%- endmacro %}


{% macro duckdb__raise_error(message) -%}
    error({{ message }})
{%- endmacro %}


{% macro duckdb__replace_rows(arguments, where) -%}
    {{ delete_and_insert(arguments, where) }}
{%- endmacro %}


{% macro duckdb__row_fingerprint(columns) -%}
    cast(hash({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}


{% macro duckdb__estimate(number) -%}
    cast({{ number }} as double)
{%- endmacro %}


{% macro duckdb__computed_once() -%}
    materialized
{%- endmacro %}


{% macro duckdb__not_inlined() -%}
{%- endmacro %}


{% macro duckdb__reads_what_it_replaces() -%}
    {{ return(true) }}
{%- endmacro %}


{% macro duckdb__builds_in_pieces() -%}
    {{ return(true) }}
{%- endmacro %}


{% macro duckdb__without_match(text, pattern) -%}
    regexp_replace({{ text }}, {{ pattern }}, '')
{%- endmacro %}


{% macro duckdb__now_utc() -%}
    cast(now() at time zone 'UTC' as timestamp)
{%- endmacro %}


{#- The column is newer than the data folders of the first version. -#}
{% macro duckdb__prepare_engine() -%}
    alter table quality.builds add column if not exists turn bigint
{%- endmacro %}


{% macro duckdb__gather_statistics() -%}
{%- endmacro %}

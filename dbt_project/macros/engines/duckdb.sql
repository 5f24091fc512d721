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


{#- dbt's own `table` and `view` are built beside the old ones and renamed, in two transactions and four more statements.
    DuckDB replaces one in a statement; readers have the old one until it is whole. -#}
{% macro replace_relation(type) -%}
    {%- set relation, before = this.incorporate(type=type), load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if before is not none and before.type != type -%}
        {%- do adapter.drop_relation(before) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        {%- if type == 'table' and config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
        create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
        insert into {{ relation }} {{ get_column_names() }} (
            {{ get_select_subquery(compiled_code) }}
        )
        {%- else -%}
        create or replace {{ type }} {{ relation }} as (
            {{ compiled_code }}
        )
        {%- endif -%}
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{%- endmacro %}

{% materialization view, adapter='duckdb' -%}
    {{ return(replace_relation('view')) }}
{%- endmaterialization %}

{#- What reads its own table is built beside it: a Python model may, and a table with a contract is empty before it is filled. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- if model.language == 'sql' -%}
        {%- set is_beside = config.get('contract').enforced and (this | string) in compiled_code -%}
        {{ return(dbt.materialization_table_duckdb() if is_beside else replace_relation('table')) }}
    {%- endif -%}
    {%- set relation, built = this.incorporate(type='table'), make_intermediate_relation(this.incorporate(type='table')) -%}
    {%- do drop_relation_if_exists(load_cached_relation(built)) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main', language='python') -%}
        {{- create_table_as(False, built, compiled_code, 'python') }}
    {%- endcall -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- do adapter.rename_relation(built, relation) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{%- endmaterialization %}

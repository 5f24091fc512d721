{#- What PostgreSQL has its own words for. -#}

{% macro postgres__divide_cut(numerator, denominator, type) -%}
    cast(div(cast({{ numerator }} as numeric), nullif(cast({{ denominator }} as numeric), 0)) as {{ type }})
{%- endmacro %}


{#- A path as PostgreSQL writes it: `taxes[0].amount` is {taxes,0,amount}. -#}
{% macro postgres_path(path) -%}
    '{ {{- (path or '') | replace('[', '.') | replace(']', '') | replace('.', ',') -}} }'
{%- endmacro %}


{% macro postgres__json_text(column, path) -%}
    ({{ column }} #>> {{ postgres_path(path) }})
{%- endmacro %}


{% macro postgres__json_fields(rows, column, keep, fields) -%}
    select
        {% for expression, name in keep.items() -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        {% for name, path in fields.items() -%}
        {{ json_text(column, path) }} as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ rows }}
{%- endmacro %}


{#- What stands at `path` if it is a list, as in DuckDB: of anything else there are no entries. -#}
{% macro postgres_list(column, path) -%}
    {%- set found = 'cast(' ~ column ~ ' #> ' ~ postgres_path(path) ~ ' as jsonb)' -%}
    case when jsonb_typeof({{ found }}) = 'array' then {{ found }} end
{%- endmacro %}


{% macro postgres__json_array_rows(relation, keep, column, path) -%}
    (
        select {{ keep | join(', ') }}, entry.value, entry.number
        from {{ relation }}
        cross join lateral jsonb_array_elements({{ postgres_list(column, path) }}) with ordinality as entry (value, number)
    )
{%- endmacro %}


{% macro postgres__json_object_rows(relation, keep, column) -%}
    (
        select {{ keep | join(', ') }}, entry.name, entry.value
        from {{ relation }}
        cross join lateral jsonb_each_text(
            case when jsonb_typeof(cast({{ column }} as jsonb)) = 'object' then cast({{ column }} as jsonb) end
        ) as entry (name, value)
    )
{%- endmacro %}


{% macro postgres__json_array_sum(column, path, field, where, equals) -%}
    cast(coalesce((
        select sum(cast(entry ->> '{{ field }}' as bigint))
        from jsonb_array_elements({{ postgres_list(column, path) }}) as entries (entry)
        {%- if where %}
        where entry ->> '{{ where }}' = '{{ equals }}'
        {%- endif %}
    ), 0) as bigint)
{%- endmacro %}


{% macro postgres__from_unix_seconds(seconds) -%}
    (to_timestamp(cast({{ seconds }} as bigint)) at time zone 'UTC')
{%- endmacro %}


{% macro postgres__raise_error(message) -%}
    quality.raise_error({{ message }})
{%- endmacro %}


{% macro postgres__replace_rows(arguments, where) -%}
    {{ delete_and_insert(arguments, where) }}
{%- endmacro %}


{% macro postgres__row_fingerprint(columns) -%}
    cast(hash_record_extended(row({{ columns | join(', ') }}), 0) as decimal(38, 0))
{%- endmacro %}


{% macro postgres__estimate(number) -%}
    cast({{ number }} as double precision)
{%- endmacro %}


{% macro postgres__computed_once() -%}
    materialized
{%- endmacro %}


{% macro postgres__not_inlined() -%}
    materialized
{%- endmacro %}


{% macro postgres__reads_what_it_replaces() -%}
    {{ return(true) }}
{%- endmacro %}


{% macro postgres__builds_in_pieces() -%}
    {{ return(false) }}
{%- endmacro %}


{% macro postgres__without_match(text, pattern) -%}
    regexp_replace({{ text }}, {{ pattern }}, '')
{%- endmacro %}


{% macro postgres__now_utc() -%}
    cast(now() at time zone 'UTC' as timestamp)
{%- endmacro %}


{#- Functions that PostgreSQL lacks: one that fails with a message, and one that gives null for what is no number. -#}
{% macro postgres__prepare_engine() -%}
    create or replace function quality.raise_error(message text) returns text language plpgsql volatile
    as $$begin raise exception '%', message; end$$;
    create or replace function quality.number_or_null(value text) returns numeric language plpgsql immutable
    as $$begin return cast(value as numeric); exception when others then return null; end$$
{%- endmacro %}


{#- PostgreSQL knows nothing of a table that was just made, and would join it row by row. -#}
{% macro postgres__gather_statistics() -%}
    {%- if model.config.materialized != 'view' -%} analyze {{ this }} {%- endif -%}
{%- endmacro %}


{#- Below: what dbt's own macros lack on PostgreSQL. -#}

{#- Null for what the type cannot hold. Models ask for decimals only; rows of unit tests have any type, and are cast. -#}
{% macro postgres__safe_cast(field, type) -%}
    {%- set digits = modules.re.match('decimal\\((\d+), (\d+)\\)', type) -%}
    {%- if not digits -%}
        {{ return(dbt.default__safe_cast(field, type)) }}
    {%- endif -%}
    {%- set number = 'quality.number_or_null(cast(' ~ field ~ ' as text))' -%}
    case
        when abs(round({{ number }}, {{ digits.group(2) }})) < power(10, {{ digits.group(1) | int - digits.group(2) | int }})
            then cast({{ number }} as {{ type }})
    end
{%- endmacro %}


{#- A contract declares `text`; what DuckDB has written to raw is `character varying`, which is the same type. -#}
{% macro postgres__diff_column_data_types(source_columns, target_columns) -%}
    {%- set types = {} -%}
    {%- for column in target_columns -%}
        {%- do types.update({column.name: column.data_type | replace('character varying', 'text')}) -%}
    {%- endfor -%}
    {%- set changed = [] -%}
    {%- for column in source_columns if column.name in types -%}
        {%- set new_type = column.data_type | replace('character varying', 'text') -%}
        {%- if new_type != types[column.name] -%}
            {%- do changed.append({'column_name': column.name, 'new_type': new_type}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(changed) }}
{%- endmacro %}


{#- The adapter's own gives a float for months. -#}
{% macro postgres__datediff(first_date, second_date, datepart) -%}
    {%- if datepart == 'day' -%}
    (cast({{ second_date }} as date) - cast({{ first_date }} as date))
    {%- elif datepart == 'month' -%}
    cast(
        (extract(year from {{ second_date }}) - extract(year from {{ first_date }})) * 12
        + extract(month from {{ second_date }}) - extract(month from {{ first_date }}) as int
    )
    {%- elif datepart in ('hour', 'minute', 'second') -%}
    cast((
        extract(epoch from date_trunc('{{ datepart }}', {{ second_date }}))
        - extract(epoch from date_trunc('{{ datepart }}', {{ first_date }}))
    ) / {{ {'hour': 3600, 'minute': 60, 'second': 1}[datepart] }} as bigint)
    {%- else -%}
    {{ exceptions.raise_compiler_error('datediff of ' ~ datepart ~ ' is not written for PostgreSQL') }}
    {%- endif -%}
{%- endmacro %}


{#- In parentheses, so that it can stand in any expression. -#}
{% macro postgres__dateadd(datepart, interval, from_date_or_timestamp) -%}
    ({{ from_date_or_timestamp }} + (interval '1 {{ datepart }}') * ({{ interval }}))
{%- endmacro %}


{#- As dbt makes a seed's table, with its types translated: `string` is text here. -#}
{% macro postgres__create_csv_table(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set sql -%}
    create table {{ this.render() }} (
        {%- for name in agate_table.column_names %}
        {%- set inferred = adapter.convert_type(agate_table, loop.index0) %}
        {{ name }} {{ api.Column.translate_type(types.get(name, inferred)) }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
    {%- endset -%}
    {%- call statement('_') -%} {{ sql }} {%- endcall -%}
    {{ return(sql) }}
{%- endmacro %}


{#- dbt's own `table` builds from SQL alone. A Python model is built beside the old table, by the process that runs dbt,
    and takes its place in one transaction. -#}
{% materialization table, adapter='postgres', supported_languages=['sql', 'python'] -%}
    {%- if model.language == 'sql' -%}
        {{ return(dbt.materialization_table_default()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set built = make_intermediate_relation(target_relation) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- call statement('main', language='python') %}
{{ compiled_code }}
WRITTEN_TABLE = '{{ built }}'
    {% endcall -%}
    {%- call statement('look') -%} analyze {{ built }} {%- endcall -%}
    {%- do adapter.drop_relation(target_relation) -%}
    {%- do adapter.rename_relation(built, target_relation) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target_relation, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#- dbt names a unit test's relation after the test, and PostgreSQL takes 63 characters of a name. -#}
{% materialization unit, adapter='postgres' -%}
    {%- do context.update({'this': this.incorporate(path={'identifier': this.identifier[:63]})}) -%}
    {{ return(dbt.materialization_unit_default()) }}
{%- endmaterialization %}


{#- Rows are compared as text, and a number that was computed keeps zeros at its end. -#}
{% macro postgres__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_column_schema_from_query(get_empty_subquery_sql(main_sql)) -%}
        {%- if column.quoted in expected_column_names -%}
            {%- set trimmed = 'trim_scale(' ~ column.quoted ~ ') as ' ~ column.quoted -%}
            {%- do columns.append(trimmed if column.dtype.startswith('DECIMAL') else column.quoted) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set select = 'select ' ~ columns | join(', ') ~ ' from (' -%}
    {{ dbt.default__get_unit_test_sql(
        select ~ main_sql ~ ') as actual', select ~ expected_fixture_sql ~ ') as expected', expected_column_names
    ) }}
{%- endmacro %}

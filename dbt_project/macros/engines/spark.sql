{#- What Spark has its own words for. -#}

{% macro spark__divide_cut(numerator, denominator, type) -%}
    cast(
        (cast({{ numerator }} as decimal(38, 0)) div nullif(cast({{ denominator }} as decimal(38, 0)), 0)) as {{ type }}
    )
{%- endmacro %}


{% macro spark__json_text(column, path) -%}
    {%- if path -%} get_json_object({{ column }}, '$.{{ path }}') {%- else -%} {{ column }} {%- endif -%}
{%- endmacro %}


{% macro spark__json_fields(rows, column, keep, fields) -%}
    select
        {% for expression, name in keep.items() -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        {% for name, path in fields.items() -%}
        {{ json_text(column, path) }} as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ rows }}
{%- endmacro %}


{% macro spark__json_array_rows(relation, keep, column, path) -%}
    (
        select {{ keep | join(', ') }}, entry.value, entry.place + 1 as number
        from {{ relation }}
        lateral view posexplode(from_json({{ json_text(column, path) }}, 'array<string>')) entry as place, value
    )
{%- endmacro %}


{% macro spark__json_object_rows(relation, keep, column) -%}
    (
        select {{ keep | join(', ') }}, entry.name, entry.value
        from {{ relation }}
        lateral view explode(from_json({{ column }}, 'map<string,string>')) entry as name, value
    )
{%- endmacro %}


{% macro spark__json_array_sum(column, path, field, where, equals) -%}
    {%- set shape = field ~ ':bigint' ~ (',' ~ where ~ ':string' if where) -%}
    {%- set counts = 'coalesce(part.' ~ where ~ " = '" ~ equals ~ "', false)" if where else 'true' -%}
    cast(coalesce(aggregate(
        from_json({{ json_text(column, path) }}, 'array<struct<{{ shape }}>>'),
        cast(0 as bigint),
        (total, part) -> total + case when {{ counts }} then coalesce(part.{{ field }}, 0L) else 0L end
    ), 0) as bigint)
{%- endmacro %}


{% macro spark__from_unix_seconds(seconds) -%}
    timestamp_seconds(cast({{ seconds }} as bigint))
{%- endmacro %}


{% macro spark__raise_error(message) -%}
    raise_error({{ message }})
{%- endmacro %}


{#- Two statements are two commits: readers have copies, never the tables that are being built. -#}
{% macro spark__replace_rows(arguments, where) -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- call statement('delete_rows', fetch_result=False) -%}
        delete from {{ arguments.target_relation }}{{ where }}
    {%- endcall -%}
    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}


{% macro spark__row_fingerprint(columns) -%}
    cast(xxhash64({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}


{% macro spark__estimate(number) -%}
    cast({{ number }} as double)
{%- endmacro %}


{% macro spark__computed_once() -%}
{%- endmacro %}


{% macro spark__not_inlined() -%}
{%- endmacro %}


{% macro spark__reads_what_it_replaces() -%}
    {{ return(false) }}
{%- endmacro %}


{% macro spark__builds_in_pieces() -%}
    {{ return(false) }}
{%- endmacro %}


{% macro spark__without_match(text, pattern) -%}
    regexp_replace({{ text }}, {{ pattern }}, '')
{%- endmacro %}


{% macro spark__now_utc() -%}
    cast(current_timestamp() as timestamp)
{%- endmacro %}


{% macro spark__prepare_engine() -%}
{%- endmacro %}


{% macro spark__gather_statistics() -%}
{%- endmacro %}


{#- Below: what dbt's own macros lack on Spark. -#}

{#- The adapter's own give null, or an error, for what the type cannot hold by how the session is set. -#}
{% macro spark__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}


{#- The adapter's own write each argument out three times, and nested ones nine times. -#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, cast({{ interval }} as int), {{ from_date_or_timestamp }})
{%- endmacro %}

{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- if datepart == 'day' -%}
    datediff(cast({{ second_date }} as date), cast({{ first_date }} as date))
    {%- elif datepart == 'month' -%}
    ((year({{ second_date }}) - year({{ first_date }})) * 12 + month({{ second_date }}) - month({{ first_date }}))
    {%- elif datepart in ('hour', 'minute', 'second') -%}
    ((
        unix_timestamp(date_trunc('{{ datepart }}', {{ second_date }}))
        - unix_timestamp(date_trunc('{{ datepart }}', {{ first_date }}))
    ) div {{ {'hour': 3600, 'minute': 60, 'second': 1}[datepart] }})
    {%- else -%}
    {{ exceptions.raise_compiler_error('datediff of ' ~ datepart ~ ' is not written for Spark') }}
    {%- endif -%}
{%- endmacro %}


{#- In the order that is asked for, which the adapter's own does not keep: pairs of place and text, sorted. -#}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- set place = order_by_clause | replace('order by ', '') -%}
    array_join(
        transform(array_sort(collect_list(struct({{ place }} as place, {{ measure }} as part))), each -> each.part),
        {{ delimiter_text }}
    )
{%- endmacro %}


{#- Tables and views of a schema in two statements. The adapter would describe each of them on its own. -#}
{% macro spark__list_relations_without_caching(relation) -%}
    {%- set found = [] -%}
    {%- for kind, words in {'tables': 'Provider: iceberg', 'views': 'Type: VIEW'}.items() -%}
        {%- call statement('list_' ~ kind, fetch_result=True) -%} show {{ kind }} in {{ relation.schema }} {%- endcall -%}
        {%- for row in load_result('list_' ~ kind).table.rows -%}
            {%- do found.append((row[0], row[1], row[2], words)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}


{#- A unit test asks for this statement to run it as a query, and PyHive has no rows for one that makes a view. -#}
{% macro spark__get_create_table_as_sql(temporary, relation, sql) -%}
    {%- call statement('create', fetch_result=False) -%} {{ create_table_as(temporary, relation, sql) }} {%- endcall -%}
    select 1
{%- endmacro %}


{#- With its files, which Iceberg keeps otherwise. -#}
{% macro spark__drop_relation(relation) -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
        drop {{ relation.type }} if exists {{ relation }} {{- ' purge' if relation.type == 'table' }}
    {%- endcall -%}
{%- endmacro %}


{#- A table that is built by days has a partition a month, so that a day is replaced without reading the others. -#}
{% macro spark__partition_cols(label, required=false) -%}
    {%- if config.get('materialized') == 'incremental' -%}
    {{ label }} (months({{ config.get('unique_key') }}))
    {%- endif -%}
{%- endmacro %}


{#- The adapter knows four strategies and asks nobody for others. -#}
{% macro dbt_spark_validate_get_incremental_strategy(raw_strategy, file_format) -%}
    {{ return(raw_strategy) }}
{%- endmacro %}

{% macro dbt_spark_get_incremental_sql(strategy, source, target, existing, unique_key, incremental_predicates) -%}
    {{ context['get_incremental_' ~ strategy ~ '_sql']({
        'target_relation': target, 'temp_relation': source, 'unique_key': unique_key,
        'dest_columns': adapter.get_columns_in_relation(target),
    }) }}
{%- endmacro %}


{#- Rows of a unit test. dbt writes a select for each, and Spark works out the model's steps for each of them. -#}
{% macro get_fixture_sql(rows, column_name_to_data_types) -%}
    {{ adapter.dispatch('fixture_sql', 'growth')(rows, column_name_to_data_types) }}
{%- endmacro %}

{% macro default__fixture_sql(rows, column_name_to_data_types) -%}
    {{ dbt.get_fixture_sql(rows, column_name_to_data_types) }}
{%- endmacro %}

{% macro spark__fixture_sql(rows, column_name_to_data_types) -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(this) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    select * from values
    {%- for row in rows or [{}] -%}
        {%- set given = format_row(row, types) -%}
        {{ ',' if not loop.first }} (
        {%- for name, type in types.items() -%}
            {{ given.get(name, safe_cast('null', type)) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
        )
    {%- endfor %} as fixture (`{{ types | join('`, `') }}`)
    {%- if not rows %} limit 0 {%- endif -%}
{%- endmacro %}

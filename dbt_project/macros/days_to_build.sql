{#- The tables that are built a day at a time: every incremental model. -#}
{% macro daily_models() -%}
    {{ return([] if not execute else graph.nodes.values()
        | selectattr('resource_type', 'equalto', 'model')
        | selectattr('config.materialized', 'equalto', 'incremental')
        | list) }}
{%- endmacro %}


{#- What the days of these tables were built from, as of the last build that came to its end. -#}
{% macro built_inputs() -%}
    quality.built_inputs
{%- endmacro %}


{#- Changes with the files of the project and its seeds, and with the macros that figures go through. -#}
{% macro project_fingerprint() -%}
    {%- set parts = [divide_half_up('a', 'b'), rate_usage('quantities', ['key'])] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() | sort(attribute='unique_id')
            if node.resource_type in ('model', 'seed') -%}
            {%- do parts.append(node.unique_id ~ node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(local_md5(parts | join('\n'))) }}
{%- endmacro %}


{#- Whether every day is to be built: a table is missing, or a person asked for it. -#}
{% macro must_build_every_day() -%}
    {%- if flags.FULL_REFRESH -%}
        {{ return(true) }}
    {%- endif -%}
    {%- for node in daily_models() -%}
        {%- if adapter.get_relation(node.database, node.schema, node.alias) is none -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}


{#- Forgets what the days that are about to change were built from, before any of them does: a build that is ended on
    its way leaves them to the next one. Tables of which no day stays are made anew, since their columns may differ. -#}
{% macro start_building_days() -%}
    {%- if execute -%}
        {%- do run_query(
            'delete from ' ~ built_inputs() ~ ' where first_day >= (select first_day from ' ~ this ~ ')'
        ) -%}
        {%- set kept = run_query('select count(*) from ' ~ built_inputs()).columns[0].values()[0] -%}
        {%- for node in daily_models() if kept == 0 -%}
            {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- if relation is not none -%}
                {%- do adapter.drop_relation(relation) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{#- Notes what the days were built from, once every table that is built by days has been. -#}
{% macro record_built_inputs(results) -%}
    {%- if flags.WHICH in ('build', 'run') -%}
        {%- set needed = daily_models() | map(attribute='name') | list + ['int_days_to_build'] -%}
        {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list -%}
        {%- if needed | reject('in', built) | list | length == 0 -%}
            delete from {{ built_inputs() }};
            insert into {{ built_inputs() }}
            select kind, key, first_day, fingerprint from intermediate.int_build_inputs
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- A model that is built by days; `day` is the column that says which. A person's full refresh builds all of them. -#}
{% macro built_by_days(day) -%}
    {%- do ref('int_days_to_build') -%}
    {{ config(
        materialized='incremental', incremental_strategy='replace_days', unique_key=day, full_refresh=false,
        on_schema_change='fail'
    ) }}
{%- endmacro %}


{#- The incremental strategy: the days from the first one to build on are replaced. `unique_key` is the day's column. -#}
{% macro get_incremental_replace_days_sql(arguments) -%}
    {{ return(adapter.dispatch('replace_days', 'growth')(arguments)) }}
{%- endmacro %}

{% macro default__replace_days(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    delete from {{ arguments.target_relation }}
    where {{ arguments.unique_key }} >= (select first_day from {{ ref('int_days_to_build') }});

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}


{#- A number that differs when one of the values does. -#}
{% macro row_fingerprint(columns) -%}
    {{ return(adapter.dispatch('row_fingerprint', 'growth')(columns)) }}
{%- endmacro %}

{% macro duckdb__row_fingerprint(columns) -%}
    cast(hash({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}

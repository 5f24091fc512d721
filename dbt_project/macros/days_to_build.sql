{#- The tables that are built a day at a time: every incremental model, or those of one strategy. -#}
{% macro daily_models(strategy=none) -%}
    {%- set models = [] if not execute else graph.nodes.values()
        | selectattr('resource_type', 'equalto', 'model')
        | selectattr('config.materialized', 'equalto', 'incremental')
        | list -%}
    {{ return(models if strategy is none else models
        | selectattr('config.incremental_strategy', 'equalto', strategy)
        | list) }}
{%- endmacro %}


{#- The days that a run of partitions or a backfill asks for; none where a run builds whatever has changed. -#}
{% macro asked_days() -%}
    {%- set first_day, last_day = env_var('GROWTH_DAYS_FROM', ''), env_var('GROWTH_DAYS_TO', '') -%}
    {{ return({'first_day': first_day, 'last_day': last_day} if first_day and last_day else none) }}
{%- endmacro %}


{#- Which days are looked at, one row: all of them, or those that are asked for, with any before them that were never
    built, since a day is made of those before it. -#}
{% macro days_looked_at() -%}
    {%- set asked, history_days = asked_days(), ref('int_history_days') -%}
    {%- if asked -%}
    select
        coalesce(min(days.date), cast('{{ asked.first_day }}' as date)) as first_day,
        cast('{{ asked.last_day }}' as date) as last_day
    from {{ history_days }} as days
    left join {{ built_inputs() }} as built
        on built.kind = 'usage'
        and built.key = cast(days.date as {{ dbt.type_string() }})
    where days.date <= cast('{{ asked.first_day }}' as date) and built.key is null
    {%- else -%}
    select cast('1900-01-01' as date) as first_day, cast('9999-12-31' as date) as last_day
    {%- endif -%}
{%- endmacro %}


{#- What the days of these tables were built from, as of the last build that came to its end. -#}
{% macro built_inputs() -%}
    quality.built_inputs
{%- endmacro %}


{#- Changes with the files of the project's macros, which dbt does not tell of: `growth` says it. In a shell of dbt none has
    changed since the days were built. -#}
{% macro macros_fingerprint() -%}
    {%- set said = env_var('GROWTH_MACROS', '') -%}
    {{ return("'" ~ said ~ "'" if said else "coalesce((select max(fingerprint) from " ~ built_inputs() ~ " where kind = 'macros'), 'not known')") }}
{%- endmacro %}


{#- Changes with the files of the project's models, seeds and macros. -#}
{% macro project_fingerprint() -%}
    {{ return(files_fingerprint() ~ env_var('GROWTH_MACROS', '')) }}
{%- endmacro %}


{#- Changes with the files of the project's models and its seeds. -#}
{% macro files_fingerprint() -%}
    {%- set parts = [] -%}
    {%- if execute -%}
        {#- A unit test has no graph. -#}
        {%- for node in graph.get('nodes', {}).values() | sort(attribute='unique_id')
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
    {%- for node in daily_models('replace_days') -%}
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
        {%- set asked = none if must_build_every_day() else asked_days() -%}
        {%- call statement('forget_notes') -%}
            delete from quality.days_rebuilt
            where table_name not in ('{{ daily_models('replace_days') | map(attribute='alias') | join("', '") }}')
        {%- endcall -%}
        {%- call statement('forget_days') -%}
            delete from {{ built_inputs() }}
            where first_day >= (select first_day from {{ this }})
            {%- if asked %} and first_day <= cast('{{ asked.last_day }}' as date) {%- endif -%}
        {%- endcall -%}
        {%- set kept = run_query('select count(*) from ' ~ built_inputs()).columns[0].values()[0] -%}
        {%- for node in daily_models() if kept == 0 -%}
            {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- if relation is not none -%}
                {%- do adapter.drop_relation(relation) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{#- Notes what the days that were looked at were built from, once every table that is built by days has been. What
    the other days were built from is there still. -#}
{% macro record_built_inputs(results) -%}
    {%- if flags.WHICH in ('build', 'run') -%}
        {%- set needed = daily_models('replace_days') | map(attribute='name') | list + ['int_days_to_build'] -%}
        {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list -%}
        {%- if needed | reject('in', built) | list | length == 0 -%}
            insert into {{ built_inputs() }}
            select kind, key, first_day, fingerprint from intermediate.int_build_inputs
            where first_day >= (select first_day from intermediate.int_days_to_build)
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- Notes which days of a table are about to change, for whoever has a copy of it; all of them where it is made anew. -#}
{% macro note_days_rebuilt(day) -%}
    insert into quality.days_rebuilt
    select
        '{{ this.identifier }}',
        '{{ day }}',
        {% if adapter.get_relation(this.database, this.schema, this.identifier) is none -%}
        cast('1900-01-01' as date)
        {%- else -%} first_day {%- endif %},
        {{ 'last_day' if asked_days() else "cast('9999-12-31' as date)" }},
        turns.turn
    from {{ ref('int_days_to_build') }}
    cross join (select max(turn) as turn from quality.turns) as turns
{%- endmacro %}


{#- A model that is built by days; `day` is the column that says which. A person's full refresh builds all of them. -#}
{% macro built_by_days(day) -%}
    {%- do ref('int_days_to_build') -%}
    {{ config(
        pre_hook="{{ note_days_rebuilt('" ~ day ~ "') }}",
        materialized='incremental', incremental_strategy='replace_days', unique_key=day, full_refresh=false,
        on_schema_change='fail'
    ) }}
{%- endmacro %}


{#- A model that is cheap to build whole and depends on more than `int_build_inputs` knows: all of its days are built,
    or those that are asked for. `only_days_to_build` says so in its query. -#}
{% macro built_by_asked_days(day) -%}
    {%- do ref('int_days_to_build') -%}
    {{ config(
        materialized='incremental', incremental_strategy='replace_asked_days', unique_key=day, full_refresh=false,
        on_schema_change='fail'
    ) }}
{%- endmacro %}

{% macro only_days_to_build(day) -%}
    {%- if asked_days() -%}
        and {{ day }} >= (select first_day from {{ ref('int_days_to_build') }})
        and {{ day }} <= (select last_day from {{ ref('int_days_to_build') }})
    {%- endif -%}
{%- endmacro %}


{#- The incremental strategies: the days from the first one to build on are replaced, or those that were asked for.
    `unique_key` is the day's column. -#}
{% macro get_incremental_replace_days_sql(arguments) -%}
    {{ replace_rows(arguments, ' where ' ~ arguments.unique_key
        ~ ' >= (select first_day from ' ~ ref('int_days_to_build') ~ ') ' ~ only_days_to_build(arguments.unique_key)) }}
{%- endmacro %}

{% macro get_incremental_replace_asked_days_sql(arguments) -%}
    {{ replace_rows(arguments, ' where 1 = 1 ' ~ only_days_to_build(arguments.unique_key)) }}
{%- endmacro %}


{#- Puts the new rows in the place of those that `where` finds, in one transaction where the engine has any. -#}
{% macro replace_rows(arguments, where) -%}
    {{ return(adapter.dispatch('replace_rows', 'growth')(arguments, where)) }}
{%- endmacro %}

{% macro delete_and_insert(arguments, where) -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    delete from {{ arguments.target_relation }}{{ where }};

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}


{#- A number that differs when one of the values does. -#}
{% macro row_fingerprint(columns) -%}
    {{ return(adapter.dispatch('row_fingerprint', 'growth')(columns)) }}
{%- endmacro %}

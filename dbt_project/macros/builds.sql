{#- The next number of what is written: what is later has a larger one, whatever the clock says. -#}
{% macro take_turn() -%}
    {%- if flags.WHICH in ('build', 'run', 'seed') -%}
        insert into quality.turns select coalesce(max(turn), 0) + 1 from quality.turns
    {%- endif -%}
{%- endmacro %}


{#- Notes that tables were written, for commands that write any. -#}
{% macro record_build() -%}
    {%- if flags.WHICH in ('build', 'run', 'seed') -%}
        insert into quality.builds (built_at, turn)
        select {{ now_utc() }}, max(turn) from quality.turns
    {%- endif -%}
{%- endmacro %}


{#- Before any seed is filled or staging view replaced, none counts as made of the project's files; a run notes them
    again when it is done. -#}
{% macro forget_what_files_say() -%}
    {%- for resource in selected_resources if resource.startswith(('seed.', 'model.growth.stg_')) -%}
        {%- if loop.first and flags.WHICH in ('build', 'run', 'seed') -%}
            delete from quality.done where what = 'said_by_files'
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}


{#- Stops a command on a file that has nothing in it: a private copy that was not made yet. -#}
{% macro require_raw_tables() -%}
    {%- set is_private = env_var('GROWTH_DBT_FILE', '') == '' and flags.WHICH in ('build', 'run', 'test') -%}
    {%- if execute and is_private and not adapter.check_schema_exists(target.database, 'raw') -%}
        {{ exceptions.raise_compiler_error(
            "There are no raw tables in " ~ target.path ~ ": `growth copy` makes your own copy"
            ~ " of what was last built; `growth build` builds into the shared warehouse."
        ) }}
    {%- endif -%}
{%- endmacro %}


{#- The instant of the clock, in UTC without a zone: for what is noted about a build, never in a model. -#}
{% macro now_utc() -%}
    {{ return(adapter.dispatch('now_utc', 'growth')()) }}
{%- endmacro %}


{#- Before anything is built: what the engine needs that models call. -#}
{% macro prepare_engine() -%}
    {{ return(adapter.dispatch('prepare_engine', 'growth')()) }}
{%- endmacro %}


{#- After a table is built: what the engine needs to know of it before others read it. -#}
{% macro gather_statistics() -%}
    {{ return(adapter.dispatch('gather_statistics', 'growth')()) }}
{%- endmacro %}

{#- A table or view is dropped and made again in one statement. The adapter's own way makes it beside the old one, renames
    both and drops the old one after the commit, each through macros of their own: a third of the time that a build of
    small tables takes. Nobody reads the working file while dbt holds it. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set drop = statement_that_drops(target, model['language']) -%}
    {%- call statement('main', language=model['language']) -%}
        {{ drop }} {{ create_table_as(False, target, compiled_code, model['language']) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set drop = statement_that_drops(target, 'sql') -%}
    {%- call statement('main') -%} {{ drop }} {{ create_view_as(target, compiled_code) }} {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{#- What goes before the statement that makes a relation again; where Python makes it, it is dropped at once. -#}
{% macro statement_that_drops(target, language) -%}
    {%- set existing = load_cached_relation(target) -%}
    {%- if language != 'sql' -%}
        {%- do drop_relation_if_exists(existing) -%}
        {{ return('') }}
    {%- endif -%}
    {{ return('drop ' ~ (existing or target).type ~ ' if exists ' ~ target ~ ';') }}
{%- endmacro %}


{#- All comments of a relation in one statement. Its columns are those of its contract; the adapter's own way asks the
    engine for them, twice. A table without a contract has no readers, and gets no comments. -#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set has_readers = model.resource_type == 'model' and model.contract.enforced -%}
    {%- set is_relation_described = has_readers and for_relation and config.persist_relation_docs() and model.description -%}
    {%- set is_columns_described = has_readers and for_columns and config.persist_column_docs() -%}
    {%- set described_columns = model.columns.values() if is_columns_described else [] -%}
    {%- if is_relation_described or described_columns -%}
        {%- call statement('comments') -%}
            {%- if is_relation_described %} {{ alter_relation_comment(relation, model.description) }} {%- endif %}
            {% for column in described_columns -%}
                {%- set name = adapter.quote(column.name) if column.quote else column.name %}
                comment on column {{ relation }}.{{ name }} is {{ duckdb_escape_comment(column.description) }};
            {% endfor %}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#- Rows that a table keeps from its last build, since what they are made of is the same. A model reads its own table as it
    was and makes only the other rows anew: nothing has to be remembered but the rows, and a build that is ended on its
    way leaves them as they were. -#}

{#- Whether the table is there with these columns, so that the model can read it; never in a unit test, nor on Spark,
    where a table is replaced while it is read. -#}
{% macro has_rows_to_keep(columns) -%}
    {%- if not execute or flags.FULL_REFRESH or model.resource_type != 'model' or not reads_what_it_replaces() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set relation = adapter.get_relation(this.database, this.schema, this.identifier) -%}
    {%- if relation is none or relation.is_view -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set there = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
    {{ return(columns | reject('in', there) | list | length == 0) }}
{%- endmacro %}


{#- Whether a table can be read in the statement that replaces it. -#}
{% macro reads_what_it_replaces() -%}
    {{ return(adapter.dispatch('reads_what_it_replaces', 'growth')()) }}
{%- endmacro %}


{#- The first day of usage that was built again since this table was; far ahead if none was. A value and no query, so
    that the days before it are not read. Column `turn` of the table says when it was built. -#}
{% macro first_day_of_usage_rebuilt() -%}
    {%- set found = run_query(
        "select coalesce(min(first_day), cast('9999-12-31' as date)) from quality.days_rebuilt"
        ~ " where table_name = 'fct_usage_daily' and turn > (select coalesce(max(turn), -1) from " ~ this ~ ")"
    ) -%}
    {{ return("cast('" ~ found.columns[0].values()[0] ~ "' as date)") }}
{%- endmacro %}


{#- The turn of this build. -#}
{% macro this_turn() -%}
    (select max(turn) from quality.turns)
{%- endmacro %}

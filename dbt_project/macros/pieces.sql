{#- A table that is built in pieces, so that memory depends on the size of a piece and not on that of the company or of its
    history. Each piece is written and noted by itself: a build that is ended on its way goes on from the last one. -#}

{#- Whether the engine has the materialization for it; a server bounds its memory itself. -#}
{% macro builds_in_pieces() -%}
    {{ return(adapter.dispatch('builds_in_pieces', 'growth')()) }}
{%- endmacro %}


{#- Whether a row is in the piece that is built; the materialization below puts the numbers in. -#}
{% macro in_piece(column) -%}
    {%- if builds_in_pieces() and model.resource_type == 'model' -%}
    {{ row_fingerprint([column]) }} % cast('__pieces__' as int) = cast('__piece__' as int)
    {%- else -%}
    1 = 1
    {%- endif -%}
{%- endmacro %}


{#- So many pieces that the windows of one fit into little memory: one on a usual day of up to 5,800 accounts. Reads the
    accounts and not their usage, which takes seconds to count. -#}
{% macro number_of_pieces() -%}
    {%- set found = run_query(
        'select count(distinct account_id) * ' ~ dbt.datediff(
            dbt.dateadd('day', -154, 'min(as_of_date)'), 'max(as_of_date)', 'day'
        ) ~ ' from ' ~ ref('int_account_days')
    ) -%}
    {{ return(1 + (found.columns[0].values()[0] or 0) // var('account_days_a_piece', 900000)) }}
{%- endmacro %}


{#- Differs when a piece would: with what the days are built from, the project's files among it, and the days. -#}
{% macro pieces_made_of(pieces) -%}
    {%- set inputs = run_query(
        'select count(*), sum(' ~ row_fingerprint(['kind', 'key', 'first_day', 'fingerprint'])
        ~ ') from intermediate.int_build_inputs'
    ).rows[0] -%}
    {%- set days = run_query('select first_day, last_day from ' ~ ref('int_days_to_build')).rows[0] -%}
    {{ return(local_md5([pieces, inputs[0], inputs[1], days[0], days[1]] | join(' '))) }}
{%- endmacro %}


{% materialization table_in_pieces, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set before = load_cached_relation(this) -%}
    {%- set building = this.incorporate(path={'identifier': this.identifier ~ '__pieces'}, type='table') -%}
    {%- set of_table = "table_name = '" ~ this.identifier ~ "'" -%}
    {%- set pieces = number_of_pieces() -%}
    {%- set made_of = pieces_made_of(pieces) -%}
    {%- set left_behind = adapter.get_relation(building.database, building.schema, building.identifier) -%}
    {%- set done = [] if left_behind is none else run_query(
        'select piece from quality.pieces where ' ~ of_table ~ " and made_of = '" ~ made_of ~ "'"
    ).columns[0].values() | list -%}
    {%- if left_behind is not none and not done -%}
        {%- do adapter.drop_relation(left_behind) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% for piece in range(pieces) if piece not in done -%}
        {%- set of_piece = sql | replace('__pieces__', pieces) | replace('__piece__', piece) -%}
        {% call statement('piece_' ~ piece) -%}
            {% if loop.first and not done -%}
            delete from quality.pieces where {{ of_table }};
            create table {{ building }} as ({{ of_piece }});
            {%- else -%}
            insert into {{ building }} {{ of_piece }};
            {%- endif %}
            insert into quality.pieces values ('{{ this.identifier }}', {{ piece }}, '{{ made_of }}')
        {%- endcall %}
        {{ adapter.commit() }}
    {%- endfor %}

    {% if before is not none -%}
        {%- do adapter.drop_relation(before) -%}
    {%- endif %}
    {% do adapter.rename_relation(building, target_relation) %}
    {% call statement('main') -%}
        delete from quality.pieces where {{ of_table }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

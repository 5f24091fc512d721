{#- Counters of the usage reports that the staging model carries: those of the contract and any that arrived since. -#}
{% macro reported_usage_counters() -%}
    {%- set reports = ref('stg_usage__usage_reports') -%}
    {%- set counters = [] -%}
    {%- for column in adapter.get_columns_in_relation(reports) if execute -%}
        {%- if column.name.lower().endswith('_in_period') -%}
            {%- do counters.append(column.name.lower()) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(counters) }}
{%- endmacro %}


{#- Counters that the seed `usage_counters` gives a product. -#}
{% macro seeded_usage_counters() -%}
    {%- set seed = ref('usage_counters') -%}
    {%- if execute and load_relation(seed) is not none -%}
        {{ return(run_query('select counter from ' ~ seed ~ ' order by counter').columns[0].values() | list) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}


{#- Reported counters that have a product. -#}
{% macro mapped_usage_counters() -%}
    {%- set seeded = seeded_usage_counters() -%}
    {{ return(reported_usage_counters() | select('in', seeded) | list) }}
{%- endmacro %}


{#- Reported counters that have none: they are listed and not counted. -#}
{% macro unmapped_usage_counters() -%}
    {%- set seeded = seeded_usage_counters() -%}
    {{ return(reported_usage_counters() | reject('in', seeded) | list) }}
{%- endmacro %}

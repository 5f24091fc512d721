{#- The input contract keeps every date between these two days. Written by `growth contract` from
    ingestion/contract/model.py: change it there. -#}
{% macro first_date() %}{{ return('2000-01-01') }}{% endmacro %}


{% macro last_date() %}{{ return('2100-01-01') }}{% endmacro %}

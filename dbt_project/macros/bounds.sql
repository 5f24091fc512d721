{#- Between these two days the input contract keeps every date. Written by `python -m ingestion contract` from
    ingestion/contract.py: change it there. -#}
{% macro first_date() %}{{ return('2000-01-01') }}{% endmacro %}


{% macro last_date() %}{{ return('2100-01-01') }}{% endmacro %}

{#- The value of one threshold of the seed `thresholds`. -#}
{% macro threshold(name) -%}
    (select value from {{ ref('thresholds') }} where name = '{{ name }}')
{%- endmacro %}

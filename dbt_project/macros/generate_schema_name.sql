{#- A schema is named as the project says, the same on every target: readers and gates look tables up by it. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

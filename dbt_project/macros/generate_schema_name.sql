{#- Schemas have one name on every target: readers and gates look tables up by it. Seeds and staging say theirs; the
    schema of any other model follows from its prefix. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set is_model = node is not none and node.resource_type == 'model' -%}
    {%- if is_model and not custom_schema_name -%}
        {{ 'intermediate' if node.name.startswith('int_') else 'marts' }}
    {%- else -%}
        {{ (custom_schema_name or target.schema) | trim }}
    {%- endif -%}
{%- endmacro %}

{#- Notes that tables were written, for commands that write any. -#}
{% macro record_build() -%}
    {%- if flags.WHICH in ('build', 'run', 'seed') -%}
        insert into quality.builds select cast(now() at time zone 'UTC' as timestamp)
    {%- endif -%}
{%- endmacro %}

{#- A text without what a pattern (SQL for a text) matches. The pattern is anchored, so that engines which replace the
    first match and those which replace all of them agree. -#}
{% macro without_match(text, pattern) -%}
    {{ return(adapter.dispatch('without_match', 'growth')(text, pattern)) }}
{%- endmacro %}


{#- A text with plain blanks: what looks like a blank and is none (tabs, ends of lines, non-breaking and wide blanks)
    becomes one, several in a row are one, and what has no width goes. -#}
{% macro plain_blanks(text) -%}
    {%- set plain = namespace(text=text) -%}
    {%- for blank in ["\t", "\n", "\r", "\u00a0", "\u2007", "\u202f", "\u3000"] -%}
        {%- set plain.text = "replace(" ~ plain.text ~ ", '" ~ blank ~ "', ' ')" -%}
    {%- endfor -%}
    {%- for nothing in ["\u200b", "\u00ad", "\ufeff"] -%}
        {%- set plain.text = "replace(" ~ plain.text ~ ", '" ~ nothing ~ "', '')" -%}
    {%- endfor -%}
    trim(replace(replace(replace({{ plain.text }}, ' ', '<>'), '><', ''), '<>', ' '))
{%- endmacro %}

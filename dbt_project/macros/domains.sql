{#- A domain as it is compared: in lower case, without blanks and `www.`; null if nothing is left. -#}
{% macro bare_domain(text) -%}
    nullif(
        case when lower(trim({{ text }})) like 'www.%' then substr(lower(trim({{ text }})), 5) else lower(trim({{ text }})) end,
        ''
    )
{%- endmacro %}


{#- The domain of an e-mail address: what follows its last @, null if it has none. -#}
{% macro mail_domain(email) -%}
    case when {{ email }} like '%@%' then {{ bare_domain("split_part(" ~ email ~ ", '@', -1)") }} end
{%- endmacro %}

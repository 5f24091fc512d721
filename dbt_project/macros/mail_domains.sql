{#- A domain as it is compared, from a domain, a web address, or an e-mail address: in lower case, without scheme, user,
    path, port, `www.` and closing dots. Null if nothing is left, or if it is more than one domain. Nearly all are that
    already: one look tells, where the others take eight. -#}
{% macro bare_domain(text) -%}
    {%- set bare = namespace(text='lower(' ~ plain_blanks(text) ~ ')') -%}
    {%- for pattern in [
        '^mailto: *', '^([a-z][a-z0-9+.-]*:)?//', '[/?#].*$', '^.*@ *', '[)>].*$', '(:[0-9]*)?[.]*$', '^www[.]',
        '^.*[ ,;<>].*$',
    ] -%}
        {%- set bare.text = without_match(bare.text, "'" ~ pattern ~ "'") -%}
    {%- endfor -%}
    case
        when {{ without_match(text, "'^[a-z0-9-]+([.][a-z0-9-]+)+$'") }} = '' and {{ text }} like '%.%' and {{ text }} not like 'www.%'
            then {{ text }}
        else nullif({{ bare.text }}, '')
    end
{%- endmacro %}


{#- The domain of an e-mail address: what follows its last @, null if it has none. Of `Ann <ann@acme.com>` the address
    is what stands between the signs; where several addresses stand it is none of them. Nearly all are plain addresses. -#}
{% macro mail_domain(email) -%}
    {%- set address = without_match(without_match(email, "'^[^<]*<'"), "'>[^>]*$'") -%}
    case
        when {{ without_match(email, "'^[a-z0-9._+-]+@[a-z0-9-]+([.][a-z0-9-]+)+$'") }} = '' and {{ email }} like '%@%'
            and {{ email }} not like '%@www.%'
            then {{ dbt.split_part(email, "'@'", 2) }}
        when
            {{ address }} like '%@%'
            and {{ address }} not like '%,%@%'
            and {{ address }} not like '%;%@%'
            and {{ address }} not like '%@% %@%'
            then {{ bare_domain(without_match(address, "'^.*@ *'")) }}
    end
{%- endmacro %}

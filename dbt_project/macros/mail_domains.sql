{#- A domain as it is compared, from a domain, a web address, or an e-mail address: in lower case, without scheme, user,
    path, port, `www.` and closing dots. Null if nothing is left, or if it is more than one domain. -#}
{% macro bare_domain(text) -%}
    {%- set bare = namespace(text='lower(' ~ plain_blanks(text) ~ ')') -%}
    {%- for pattern in [
        '^mailto: *', '^([a-z][a-z0-9+.-]*:)?//', '[/?#].*$', '^.*@ *', '[)>].*$', '(:[0-9]*)?[.]*$', '^www[.]',
        '^.*[ ,;<>].*$',
    ] -%}
        {%- set bare.text = without_match(bare.text, "'" ~ pattern ~ "'") -%}
    {%- endfor -%}
    nullif({{ bare.text }}, '')
{%- endmacro %}


{#- The domain of an e-mail address: what follows its last @, null if it has none. Of `Ann <ann@acme.com>` the address
    is what stands between the signs; where several addresses stand it is none of them. -#}
{% macro mail_domain(email) -%}
    {%- set address = without_match(without_match(email, "'^[^<]*<'"), "'>[^>]*$'") -%}
    case
        when
            {{ address }} like '%@%'
            and {{ address }} not like '%,%@%'
            and {{ address }} not like '%;%@%'
            and {{ address }} not like '%@% %@%'
        then {{ bare_domain(address) }}
    end
{%- endmacro %}

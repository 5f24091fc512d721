{%- set keep = ['domain', 'domain_as_sent', 'enriched_at'] -%}
with companies as (
    select
        {{ bare_domain('domain') }} as domain,
        domain as domain_as_sent,
        enriched_at,
        investors,
        founder_previous_companies,
        accelerator,
        city
    from {{ source('enrichment', 'companies') }}
),

names as (
    select domain, domain_as_sent, enriched_at, 'investor' as field, {{ json_text('value') }} as name
    from {{ json_array_rows('companies', keep, 'investors') | indent }} as investors

    union all

    select domain, domain_as_sent, enriched_at, 'founder_company' as field, {{ json_text('value') }} as name
    from {{ json_array_rows('companies', keep, 'founder_previous_companies') | indent }} as founder_companies

    union all

    select domain, domain_as_sent, enriched_at, 'accelerator' as field, accelerator as name
    from companies
    where accelerator is not null

    union all

    select domain, domain_as_sent, enriched_at, 'city' as field, city as name
    from companies
    where city is not null
)

select
    domain,
    domain_as_sent,
    enriched_at,
    field,
    name
from names

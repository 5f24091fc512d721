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
    select companies.domain, companies.domain_as_sent, companies.enriched_at, 'investor' as field,
        {{ json_text('investor.value') }} as name
    from companies
    {{ json_array_rows('companies.investors', 'investor') }}

    union all

    select companies.domain, companies.domain_as_sent, companies.enriched_at, 'founder_company' as field,
        {{ json_text('company.value') }} as name
    from companies
    {{ json_array_rows('companies.founder_previous_companies', 'company') }}

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

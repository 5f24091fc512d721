{#- The exact domain first, then its parents, one label less at a time, as long as the parent can be a company's own.
    Names are never compared: two companies may have one. -#}
{%- set parents = 4 -%}

with organizations as (
    select
        organizations.organization_id,
        cast(organizations.created_at as date) as created_on,
        members.domain,
        coalesce(members.has_owner, false) as has_owner
    from {{ ref('int_organizations') }} as organizations
    left join {{ ref('int_organization_members') }} as members
        on organizations.organization_id = members.organization_id
),

level_0 as (
    select distinct organizations.domain, coalesce(spellings.letters, organizations.domain) as candidate, 0 as level
    from organizations
    left join {{ ref('int_domain_spellings') }} as spellings on organizations.domain = spellings.domain
    where organizations.domain like '%.%'
),

{% for level in range(1, parents + 1) -%}
level_{{ level }} as (
    select domain, substr(candidate, {{ dbt.position("'.'", 'candidate') }} + 1) as candidate, {{ level }} as level
    from level_{{ level - 1 }}
    where candidate like '%.%.%'
),

{% endfor -%}
candidates as (
    {% for level in range(parents + 1) -%}
    select domain, candidate, level from level_{{ level }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

companies as (
    select distinct coalesce(spellings.letters, companies.domain) as domain
    from {{ ref('stg_enrichment__companies') }} as companies
    left join {{ ref('int_domain_spellings') }} as spellings on companies.domain = spellings.domain
),

matched as (
    select
        candidates.domain,
        max(case when free_mail.domain is not null then 1 else 0 end) = 1 as is_free_mail,
        case
            when max(case when free_mail.domain is not null then 1 else 0 end) = 0
                then min(case when companies.domain is not null and suffixes.suffix is null then candidates.level end)
        end as level
    from candidates
    left join {{ ref('free_mail_domains') }} as free_mail on candidates.candidate = free_mail.domain
    left join {{ ref('public_suffixes') }} as suffixes on candidates.candidate = suffixes.suffix
    left join companies on candidates.candidate = companies.domain
    group by candidates.domain
)

select
    organizations.organization_id,
    organizations.created_on,
    organizations.domain,
    candidates.candidate as company_domain,
    case
        when not organizations.has_owner then 'no_owner'
        when organizations.domain is null then 'no_domain'
        when matched.is_free_mail then 'free_mail'
        when candidates.candidate is null then 'not_enriched'
        when candidates.level = 0 then 'exact'
        else 'parent'
    end as match,
    case
        when organizations.domain is null then 'no address'
        when matched.is_free_mail then 'free mail'
        else coalesce(candidates.candidate, 'no company')
    end as company_key
from organizations
left join matched on organizations.domain = matched.domain
left join candidates
    on matched.domain = candidates.domain
    and matched.level = candidates.level

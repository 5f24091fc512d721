{#- Whoever brought an organization in: somebody who joined it on its first day and was in one of another company before,
    in the one joined last; else a founder who was at a company that had signed up before, if one customer alone has had
    that name. Memberships count that have ended since: people who change companies take the product along. -#}
with staff as (
    select distinct user_id
    from {{ ref('stg_product_db__users') }}
    where is_staff
),

organizations as (
    select
        organizations.organization_id,
        organizations.created_at,
        customers.customer_id,
        companies.company_domain,
        case when companies.match <> 'free_mail' then companies.domain end as domain,
        min(organizations.created_at) over (partition by customers.customer_id) as customer_created_at
    from {{ ref('int_organizations') }} as organizations
    inner join {{ ref('int_customers') }} as customers on organizations.organization_id = customers.organization_id
    inner join {{ ref('int_organization_companies') }} as companies
        on organizations.organization_id = companies.organization_id
),

memberships as (
    select
        memberships.organization_id,
        memberships.user_id,
        min(memberships.joined_at) as joined_at
    from {{ ref('stg_product_db__organization_memberships') }} as memberships
    cross join {{ ref('int_data_day') }} as data_day
    left join staff on memberships.user_id = staff.user_id
    where staff.user_id is null and memberships.joined_at < data_day.as_of_ts
    group by memberships.organization_id, memberships.user_id
),

by_members as (
    select
        later.organization_id,
        earlier.organization_id as from_organization_id,
        'member' as carrier,
        row_number() over (
            partition by later.organization_id
            order by memberships.joined_at, memberships.user_id, before.joined_at desc, before.organization_id desc
        ) as choice
    from memberships
    inner join organizations as later on memberships.organization_id = later.organization_id
    inner join memberships as before on memberships.user_id = before.user_id
    inner join organizations as earlier on before.organization_id = earlier.organization_id
    where
        cast(memberships.joined_at as date) = cast(later.created_at as date)
        and before.joined_at < later.created_at
        and earlier.customer_id <> later.customer_id
        and coalesce(earlier.company_domain <> later.company_domain, true)
        and coalesce(earlier.domain <> later.domain, true)
),

names as (
    select
        lower({{ plain_blanks('versions.name') }}) as name,
        min(organizations.customer_id) as customer_id,
        min(organizations.customer_created_at) as customer_created_at
    from {{ ref('stg_product_db__organizations') }} as versions
    cross join {{ ref('int_data_day') }} as data_day
    inner join organizations on versions.organization_id = organizations.organization_id
    where versions.updated_at < data_day.as_of_ts
    group by lower({{ plain_blanks('versions.name') }})
    having count(distinct organizations.customer_id) = 1
),

by_founders as (
    select
        later.organization_id,
        names.customer_id as from_organization_id,
        'founder' as carrier,
        row_number() over (
            partition by later.organization_id
            order by names.customer_created_at desc, names.customer_id
        ) as choice
    from {{ ref('stg_enrichment__company_names') }} as founders
    cross join {{ ref('int_data_day') }} as data_day
    inner join names on lower({{ plain_blanks('founders.name') }}) = names.name
    left join {{ ref('int_domain_spellings') }} as spellings on founders.domain = spellings.domain
    inner join organizations as later on coalesce(spellings.letters, founders.domain) = later.company_domain
    left join by_members on later.organization_id = by_members.organization_id
    where
        founders.field = 'founder_company'
        and names.name <> ''
        and founders.enriched_at < data_day.as_of_ts
        and names.customer_created_at < later.created_at
        and names.customer_id <> later.customer_id
        and later.created_at = later.customer_created_at
        and by_members.organization_id is null
)

select organization_id, from_organization_id, carrier
from by_members
where choice = 1

union all

select organization_id, from_organization_id, carrier
from by_founders
where choice = 1

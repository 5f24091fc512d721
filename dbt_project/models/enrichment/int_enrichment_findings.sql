{#- Figures that can be true and are not likely: they count as they are, and are listed. -#}
{%- set kept = [
    'domain', 'employees', 'employees_180d_ago', 'engineering_employees', 'estimated_revenue_usd_year',
    'total_funding_usd', 'company_type', 'ipo_date', 'country',
] -%}

with answers as (
    select
        {{ kept | join(', ') }},
        enriched_at,
        row_number() over (
            partition by domain, enriched_at
            order by case when status = 'scored' then 0 else 1 end, domain_as_sent
        ) as choice
    from {{ ref('stg_enrichment__companies') }}
),

versions as (
    {{ version_on_data_day(
        '(select ' ~ kept | join(', ') ~ ', enriched_at from answers where choice = 1)',
        key=['domain'],
        stamp='enriched_at',
        columns=kept,
    ) | indent }}
),

newest as (
    select versions.*, types.is_public
    from versions
    left join {{ ref('company_types') }} as types on lower(trim(versions.company_type)) = types.company_type
    where versions.domain is not null
)

select 'headcount_is_doubtful' as finding, domain as subject, employees as figure, 'employees' as unit
from newest
where
    employees > 0
    and (
        engineering_employees > employees
        or employees_180d_ago >= {{ threshold('doubtful_headcount_factor') }} * employees
    )

union all

select 'headcount_is_zero', domain, employees, 'employees'
from newest
where employees = 0

union all

select 'revenue_is_doubtful', domain, estimated_revenue_usd_year, 'USD a year, perhaps in thousands'
from newest
where
    employees > 0
    and estimated_revenue_usd_year > 0
    and estimated_revenue_usd_year < {{ threshold('doubtful_revenue_per_employee') }} * employees

union all

select 'amount_is_below_zero', domain, least(estimated_revenue_usd_year, total_funding_usd), 'USD'
from newest
where estimated_revenue_usd_year < 0 or total_funding_usd < 0

union all

select 'public_company_without_ipo_date', domain, 1, 'companies'
from newest
where is_public and ipo_date is null

union all

select 'company_with_ipo_date_is_not_public', newest.domain, 1, 'companies'
from newest
cross join {{ ref('int_data_day') }} as data_day
where
    newest.company_type is not null
    and not coalesce(newest.is_public, false)
    and newest.ipo_date <= data_day.as_of_date

union all

select 'country_is_no_code', domain || ' ' || country, 1, 'companies'
from newest
where length(trim(country)) <> 2

union all

select
    'domain_in_two_spellings',
    coalesce(spellings.letters, companies.domain),
    count(distinct companies.domain_as_sent),
    'spellings'
from {{ ref('stg_enrichment__companies') }} as companies
left join {{ ref('int_domain_spellings') }} as spellings on companies.domain = spellings.domain
where companies.domain is not null
group by coalesce(spellings.letters, companies.domain)
having count(distinct companies.domain_as_sent) > 1

union all

select 'company_without_domain', domain_as_sent, 1, 'companies'
from {{ ref('stg_enrichment__companies') }}
where coalesce(domain not like '%.%', true)
group by domain_as_sent

union all

select
    case match when 'no_owner' then 'organization_without_owner' else 'organization_without_domain' end,
    organization_id,
    1,
    'organizations'
from {{ ref('int_organization_companies') }}
where match in ('no_owner', 'no_domain')

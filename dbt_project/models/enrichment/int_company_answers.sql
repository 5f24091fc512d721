{#- One answer per domain and day, the newest of the day; of several spellings of the domain the scored one. It holds
    until the next one, and the first one from the beginning. Impossible figures (zero or below, or far too large) are
    unknown. -#}
{%- set kept = [
    'status', 'employees', 'employees_180d_ago', 'engineering_employees', 'estimated_revenue_usd_year',
    'consumer_monthly_active_users', 'total_funding_usd', 'founded_year', 'social_followers', 'is_side_project',
    'company_type', 'ipo_date', 'last_round', 'country', 'industry',
] -%}

with answers as (
    select
        matched.company_domain as domain,
        companies.domain_as_sent,
        companies.enriched_at,
        cast(companies.enriched_at as date) as enriched_on,
        {% for column in kept -%}
        companies.{{ column }},
        {% endfor -%}
        companies.enriched_at < data_day.as_of_ts as is_known,
        row_number() over (
            partition by matched.company_domain, cast(companies.enriched_at as date)
            order by
                companies.enriched_at desc,
                case when companies.status = 'scored' then 0 else 1 end,
                companies.domain_as_sent
        ) as rank_of_day
    from {{ ref('stg_enrichment__companies') }} as companies
    left join {{ ref('int_domain_spellings') }} as spellings on companies.domain = spellings.domain
    inner join (select distinct company_domain from {{ ref('int_organization_companies') }}) as matched
        on coalesce(spellings.letters, companies.domain) = matched.company_domain
    cross join {{ ref('int_data_day') }} as data_day
),

numbered as (
    select
        *,
        row_number() over (partition by domain order by enriched_on) as answer_number
    from answers
    where rank_of_day = 1
),

known as (
    select
        *,
        cast(lead(enriched_on) over (partition by domain order by enriched_on) as date) as next_on
    from numbered
    where is_known or answer_number = 1
),

listed as (
    select
        names.domain_as_sent,
        names.enriched_at,
        max(case when names.field = 'investor' then 1 else 0 end) = 1 as has_leading_investor,
        max(case when names.field = 'accelerator' then 1 else 0 end) = 1 as has_leading_accelerator,
        max(case when names.field = 'founder_company' then 1 else 0 end) = 1 as has_top_tier_founders,
        max(case when names.field = 'city' then 1 else 0 end) = 1 as is_in_tech_city
    from {{ ref('stg_enrichment__company_names') }} as names
    inner join {{ ref('int_listed_names') }} as listed_names
        on names.field = listed_names.field
        and names.name = listed_names.name
    group by names.domain_as_sent, names.enriched_at
),

cities as (
    select distinct domain_as_sent, enriched_at
    from {{ ref('stg_enrichment__company_names') }}
    where field = 'city'
)

select
    known.domain,
    known.status,
    known.enriched_on,
    case when known.answer_number = 1 then cast('1900-01-01' as date) else known.enriched_on end as valid_from,
    coalesce(known.next_on, cast('9999-12-31' as date)) as valid_to,
    {{ positive_number('known.employees') }} as employees,
    {{ positive_number('known.employees_180d_ago') }} as employees_180d_ago,
    {{ number_from_zero('known.engineering_employees') }} as engineering_employees,
    {{ number_from_zero('known.estimated_revenue_usd_year') }} as revenue_usd_year,
    {{ number_from_zero('known.consumer_monthly_active_users') }} as consumer_users_month,
    {{ number_from_zero('known.total_funding_usd') }} as total_funding_usd,
    {{ positive_number('known.founded_year') }} as founded_year,
    {{ number_from_zero('known.social_followers') }} as social_followers,
    known.is_side_project,
    coalesce(nullif(listed.has_leading_investor, false), case when known.status = 'scored' then false end) as has_leading_investor,
    coalesce(
        nullif(listed.has_leading_accelerator, false), case when known.status = 'scored' then false end
    ) as has_leading_accelerator,
    coalesce(
        nullif(listed.has_top_tier_founders, false), case when known.status = 'scored' then false end
    ) as has_top_tier_founders,
    case when cities.domain_as_sent is not null then coalesce(listed.is_in_tech_city, false) end as is_in_tech_city,
    known.company_type,
    known.ipo_date,
    known.last_round,
    case when length(trim(known.country)) = 2 then upper(trim(known.country)) end as country,
    known.industry
from known
left join listed
    on known.domain_as_sent = listed.domain_as_sent
    and known.enriched_at = listed.enriched_at
left join cities
    on known.domain_as_sent = cities.domain_as_sent
    and known.enriched_at = cities.enriched_at

with spans as (
    select
        companies.organization_id,
        greatest(companies.created_on, segments.valid_from, tiers.valid_from) as valid_from,
        segments.icp_segment,
        segments.icp_confidence,
        tiers.size_tier,
        case
            when segments.unknown_reason = 'no_address' then companies.match
            else segments.unknown_reason
        end as unknown_reason,
        companies.company_domain
    from {{ ref('int_organization_companies') }} as companies
    inner join {{ ref('int_segment_spans') }} as segments on companies.company_key = segments.company_key
    inner join {{ ref('int_organization_size_tiers') }} as tiers
        on companies.organization_id = tiers.organization_id
        and segments.valid_from < tiers.valid_to
        and tiers.valid_from < segments.valid_to
    where companies.created_on < segments.valid_to and companies.created_on < tiers.valid_to
),

compared as (
    select
        *,
        icp_segment || icp_confidence || size_tier || coalesce(unknown_reason, '') as state,
        lag(icp_segment || icp_confidence || size_tier || coalesce(unknown_reason, ''))
            over (partition by organization_id order by valid_from) as state_before
    from spans
),

changes as (
    select *
    from compared
    where state_before is null or state <> state_before
)

select
    organization_id,
    icp_segment,
    icp_confidence,
    size_tier,
    unknown_reason,
    company_domain,
    valid_from,
    cast(lead(valid_from) over (partition by organization_id order by valid_from) as date) as valid_to
from changes

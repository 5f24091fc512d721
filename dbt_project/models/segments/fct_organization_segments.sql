{#- The tier of a month holds from the day on which the month is closed; a month without counted lines is of no ARR. -#}
with months as (
    select
        organization_id,
        month,
        case when mrr_usd_month > 0 then {{ arr_usd_year('mrr_usd_month') }} else 0 end as arr_usd_year,
        cast(lead(month) over (partition by organization_id order by month) as date) as next_month
    from {{ ref('int_organization_mrr_monthly') }}
),

closings as (
    select organization_id, {{ month_closes_on('month') }} as valid_from, arr_usd_year
    from months

    union all

    select
        months.organization_id,
        {{ month_closes_on(dbt.dateadd('month', 1, 'months.month')) }} as valid_from,
        0 as arr_usd_year
    from months
    cross join {{ ref('int_data_day') }} as data_day
    where
        {{ dbt.dateadd('month', 1, 'months.month') }} <= data_day.last_closed_month
        and coalesce(months.next_month > {{ dbt.dateadd('month', 1, 'months.month') }}, true)

    union all

    select organization_id, cast('1900-01-01' as date) as valid_from, 0 as arr_usd_year
    from {{ ref('int_organizations') }}
),

tiers as (
    select
        closings.organization_id,
        closings.valid_from,
        cast(
            lead(closings.valid_from, 1, cast('9999-12-31' as date))
                over (partition by closings.organization_id order by closings.valid_from) as date
        ) as valid_to,
        tiers.tier as size_tier
    from closings
    inner join {{ ref('int_size_tiers') }} as tiers
        on closings.arr_usd_year >= tiers.arr_from_usd_year
        and closings.arr_usd_year < tiers.arr_below_usd_year
),

spans as (
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
    inner join tiers
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

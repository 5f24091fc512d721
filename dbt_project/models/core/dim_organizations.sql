with roles as (
    select
        organization_id,
        role_fit,
        row_number() over (
            partition by organization_id
            order by
                case role_fit when 'primary' then 1 when 'secondary' then 2 when 'data_team' then 3 else 4 end,
                user_id
        ) as fit_rank
    from {{ ref('int_member_roles') }}
    where is_active
),

organizations as (
    select
        organizations.organization_id,
        organizations.customer_id,
        organizations.name,
        members.domain,
        organizations.region,
        organizations.created_at,
        organizations.signup_channel,
        organizations.removed_at,
        coalesce(members.users, 0) as users,
        organizations.activated_at,
        coalesce(usage.products_used, 0) as products_used,
        coalesce(mrr.products_paid, 0) as products_paid,
        coalesce(mrr.mrr_usd_month, 0) as mrr_usd_month,
        coalesce(mrr.arr_usd_year, 0) as arr_usd_year,
        case when mrr.arr_usd_year > 0 then mrr.arr_usd_year else 0 end as tiered_usd_year,
        mrr.first_paid_month,
        segments.icp_segment,
        segments.icp_confidence,
        roles.role_fit,
        coverage.coverage
    from {{ ref('int_signups') }} as organizations
    left join {{ ref('int_organization_members') }} as members
        on organizations.organization_id = members.organization_id
    left join {{ ref('int_usage_by_organization') }} as usage
        on organizations.organization_id = usage.organization_id
    left join {{ ref('int_organization_mrr') }} as mrr on organizations.organization_id = mrr.organization_id
    left join {{ ref('int_organization_segments') }} as segments
        on organizations.organization_id = segments.organization_id
    left join roles
        on organizations.organization_id = roles.organization_id
        and roles.fit_rank = 1
    left join {{ ref('int_customer_coverage') }} as coverage on organizations.customer_id = coverage.customer_id
)

select
    organizations.organization_id,
    organizations.customer_id,
    organizations.name,
    organizations.domain,
    organizations.region,
    organizations.created_at,
    organizations.signup_channel,
    organizations.users,
    organizations.activated_at,
    organizations.products_used,
    organizations.products_paid,
    organizations.icp_segment,
    organizations.icp_confidence,
    organizations.role_fit,
    tiers.tier as size_tier,
    organizations.coverage,
    {{ lifecycle(
        'organizations.mrr_usd_month', 'organizations.first_paid_month', 'organizations.activated_at',
        'organizations.removed_at is not null'
    ) }} as lifecycle,
    {{ usd('organizations.mrr_usd_month') }} as mrr_usd_month,
    {{ usd('organizations.arr_usd_year') }} as arr_usd_year,
    organizations.removed_at
from organizations
left join {{ ref('int_size_tiers') }} as tiers
    on organizations.tiered_usd_year >= tiers.arr_from_usd_year
    and organizations.tiered_usd_year < tiers.arr_below_usd_year

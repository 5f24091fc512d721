with organizations as (
    select
        organizations.organization_id,
        customers.customer_id,
        organizations.name,
        members.domain,
        organizations.region,
        organizations.created_at,
        organizations.signup_channel,
        coalesce(members.users, 0) as users,
        case
            when {{ dbt.datediff('organizations.created_at', 'usage.first_used_on', 'day') }}
                <= {{ threshold('activation_days') }}
                then usage.first_used_on
        end as activated_at,
        coalesce(usage.products_used, 0) as products_used,
        coalesce(mrr.products_paid, 0) as products_paid,
        coalesce(mrr.mrr_usd_month, 0) as mrr_usd_month,
        mrr.first_paid_month
    from {{ ref('int_organizations') }} as organizations
    inner join {{ ref('int_customers') }} as customers on organizations.organization_id = customers.organization_id
    left join {{ ref('int_organization_members') }} as members
        on organizations.organization_id = members.organization_id
    left join {{ ref('int_usage_by_organization') }} as usage
        on organizations.organization_id = usage.organization_id
    left join {{ ref('int_organization_mrr') }} as mrr on organizations.organization_id = mrr.organization_id
),

with_arr as (
    select organizations.*, {{ arr_usd_year('mrr_usd_month') }} as arr_usd_year
    from organizations
)

select
    with_arr.organization_id,
    with_arr.customer_id,
    with_arr.name,
    with_arr.domain,
    with_arr.region,
    with_arr.created_at,
    with_arr.signup_channel,
    with_arr.users,
    with_arr.activated_at,
    with_arr.products_used,
    with_arr.products_paid,
    tiers.tier as size_tier,
    {{ lifecycle('with_arr.mrr_usd_month', 'with_arr.first_paid_month', 'with_arr.activated_at') }} as lifecycle,
    {{ usd('with_arr.mrr_usd_month') }} as mrr_usd_month,
    with_arr.arr_usd_year
from with_arr
left join {{ ref('int_size_tiers') }} as tiers
    on case when with_arr.arr_usd_year > 0 then with_arr.arr_usd_year else 0 end >= tiers.arr_from_usd_year
    and case when with_arr.arr_usd_year > 0 then with_arr.arr_usd_year else 0 end < tiers.arr_below_usd_year

with organizations as (
    select
        customer_id,
        cast(count(*) as int) as organizations,
        max(case when organization_id = customer_id then name end) as name,
        max(case when organization_id = customer_id then signup_channel end) as signup_channel,
        min(activated_at) as activated_at,
        count(*) = count(removed_at) as is_removed
    from {{ ref('int_signups') }}
    group by customer_id
)

select
    organizations.customer_id,
    organizations.name,
    organizations.organizations,
    segments.icp_segment,
    coalesce(organizations.signup_channel, 'not_stated') as signup_channel,
    customers.first_paid_month,
    customers.mrr_usd_month,
    customers.arr_usd_year,
    customers.size_tier,
    bands.band as arr_mix_band,
    coverage.coverage,
    routing.suggested_owner_role,
    customers.owner_email,
    customers.is_do_not_contact,
    coalesce(health.health, 'unknown') as health,
    {{ lifecycle(
        'customers.mrr_usd_month', 'customers.first_paid_month', 'organizations.activated_at', 'organizations.is_removed'
    ) }} as lifecycle
from organizations
inner join {{ ref('int_customer_standing') }} as customers on organizations.customer_id = customers.customer_id
left join {{ ref('int_organization_segments') }} as segments on organizations.customer_id = segments.organization_id
left join {{ ref('int_customer_coverage') }} as coverage on organizations.customer_id = coverage.customer_id
left join {{ ref('fct_account_routing_history') }} as routing
    on organizations.customer_id = routing.customer_id
    and routing.valid_to is null
left join {{ ref('int_arr_mix_bands') }} as bands
    on greatest(customers.arr_usd_year, 0) >= bands.arr_from_usd_year
    and greatest(customers.arr_usd_year, 0) < bands.arr_below_usd_year
left join {{ ref('int_customer_health') }} as health
    on organizations.customer_id = health.customer_id
    and health.weeks_ago = 0

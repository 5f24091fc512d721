with merged as (
    select merges.organization_id, left_side.customer_id, right_side.customer_id as other_customer_id
    from {{ ref('stg_crm__account_merges') }} as merges
    inner join {{ ref('int_customers') }} as left_side on merges.organization_id = left_side.organization_id
    inner join {{ ref('int_customers') }} as right_side
        on merges.canonical_organization_id = right_side.organization_id
),

sharing as (
    select
        min(customers.organization_id) as organization_id,
        min(customers.customer_id) as customer_id,
        max(customers.customer_id) as other_customer_id
    from {{ ref('int_stripe_customer_links') }} as links
    inner join {{ ref('int_customers') }} as customers on links.organization_id = customers.organization_id
    where links.is_billed_here or links.is_payment_only
    group by links.stripe_customer_id
)

select organization_id, customer_id, other_customer_id
from merged
where customer_id <> other_customer_id

union all

select organization_id, customer_id, other_customer_id
from sharing
where customer_id <> other_customer_id

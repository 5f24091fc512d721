{#- One row per Stripe customer that pays for an organization; where several are billed to it, the earliest created of
    them stands for the account. -#}
with ranked as (
    select
        stripe_customer_id,
        organization_id,
        is_payment_only,
        row_number() over (
            partition by stripe_customer_id
            order by
                case when is_billed_here then 0 else 1 end,
                organization_created_at,
                organization_id
        ) as account_rank
    from {{ ref('int_stripe_customer_links') }}
    where not is_internal
)

select
    ranked.stripe_customer_id,
    ranked.organization_id as account_organization_id,
    customers.customer_id,
    ranked.is_payment_only,
    coalesce(stripe_customers.is_startup_plan, false) as is_startup_plan
from ranked
inner join {{ ref('int_customers') }} as customers on ranked.organization_id = customers.organization_id
left join {{ ref('stg_stripe__customers') }} as stripe_customers
    on ranked.stripe_customer_id = stripe_customers.stripe_customer_id
where ranked.account_rank = 1

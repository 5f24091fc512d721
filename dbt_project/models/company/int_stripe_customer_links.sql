{#- Organizations that a Stripe customer pays for, by any source; billing decides if sources differ. A Stripe customer
    that is in no file joins nothing. -#}
with stripe_customers as (
    select
        customers.stripe_customer_id,
        customers.organization_id,
        coalesce(customers.is_livemode, true) as is_livemode,
        customers.is_payment_only
    from {{ ref('stg_stripe__customers') }} as customers
    cross join {{ ref('int_data_day') }} as data_day
    where coalesce(customers.created_at < data_day.as_of_ts, true)
),

billing as (
    {{ version_on_data_day(
        ref('stg_billing__billing_customers'),
        key=['organization_id'],
        stamp='updated_at',
        columns=['organization_id', 'stripe_customer_id'],
    ) | indent }}
),

stated as (
    select organization_id, stripe_customer_id, 1 as source_rank
    from billing
    where stripe_customer_id is not null

    union all

    select organization_id, stripe_customer_id, 2 as source_rank
    from {{ ref('int_organizations_on_data_day') }}
    where stripe_customer_id is not null

    union all

    select organization_id, stripe_customer_id, 3 as source_rank
    from stripe_customers
    where organization_id is not null
),

links as (
    select organization_id, stripe_customer_id, min(source_rank) as source_rank
    from stated
    group by organization_id, stripe_customer_id
)

select
    links.organization_id,
    organizations.created_at as organization_created_at,
    organizations.is_internal,
    links.stripe_customer_id,
    stripe_customers.is_payment_only,
    row_number() over (
        partition by links.organization_id
        order by
            case when stripe_customers.is_payment_only then 1 else 0 end,
            links.source_rank,
            links.stripe_customer_id
    ) = 1 as is_billed_here
from links
inner join {{ ref('int_organizations_on_data_day') }} as organizations
    on links.organization_id = organizations.organization_id
inner join stripe_customers on links.stripe_customer_id = stripe_customers.stripe_customer_id
where stripe_customers.is_livemode

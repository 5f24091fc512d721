{#- What is doubtful about what billing and organizations say. A Stripe customer that no file holds joins nothing; the rest
    is counted as it was sent. -#}
with named as (
    select organization_id, stripe_customer_id
    from {{ ref('int_billing_versions') }}
    where is_current and stripe_customer_id is not null

    union

    select organization_id, stripe_customer_id
    from {{ ref('int_organizations_on_data_day') }}
    where stripe_customer_id is not null
),

limits as (
    select limits.organization_id, limits.product_key, limits.limit_usd
    from {{ ref('stg_billing__spend_limits') }} as limits
    inner join {{ ref('int_billing_versions') }} as versions
        on limits.organization_id = versions.organization_id
        and limits.updated_at = versions.updated_at
        and versions.is_current
    inner join {{ ref('int_organizations') }} as organizations on limits.organization_id = organizations.organization_id
),

findings as (
    select
        'stripe_customer_not_held' as finding,
        named.stripe_customer_id || ' of organization ' || named.organization_id as subject,
        1 as figure,
        'links left out' as unit
    from named
    left join {{ ref('stg_stripe__customers') }} as held on named.stripe_customer_id = held.stripe_customer_id
    where held.stripe_customer_id is null

    union all

    select 'stripe_customer_shared_by_many', stripe_customer_id, count(*), 'organizations'
    from {{ ref('int_stripe_customer_links') }}
    where not is_internal
    group by stripe_customer_id
    having count(*) >= {{ threshold('shared_stripe_customer_organizations') }}

    union all

    select 'negative_spend_limit', organization_id || ' ' || product_key, limit_usd, 'USD'
    from limits
    where limit_usd < 0
)

select finding, subject, cast(figure as decimal(38, 6)) as figure, unit
from findings

{#- Every quantity of an open period that is to be rated, and the packages, with the terms of the day. -#}
with quantities as (
    select account_organization_id, as_of_date, product_key, 'to_date' as basis, quantity_to_date as quantity
    from {{ ref('int_product_forecasts') }}

    union all

    select account_organization_id, as_of_date, product_key, 'forecast' as basis, projected_quantity as quantity
    from {{ ref('int_product_forecasts') }}

    union all

    select account_organization_id, as_of_date, product_key, 'published_rule' as basis, published_rule_quantity as quantity
    from {{ ref('int_product_forecasts') }}
)

select
    quantities.account_organization_id,
    quantities.as_of_date,
    quantities.product_key,
    quantities.basis,
    quantities.quantity,
    accounts.last_day as priced_on,
    subscribed.product_key is not null as is_subscribed,
    accounts.discount_percent,
    limits.limit_usd
from quantities
inner join {{ ref('int_account_days') }} as accounts
    on quantities.account_organization_id = accounts.account_organization_id
    and quantities.as_of_date = accounts.as_of_date
left join {{ ref('stg_billing__subscribed_products') }} as subscribed
    on accounts.terms_organization_id = subscribed.organization_id
    and accounts.terms_updated_at = subscribed.updated_at
    and quantities.product_key = subscribed.product_key
left join {{ ref('stg_billing__spend_limits') }} as limits
    on accounts.terms_organization_id = limits.organization_id
    and accounts.terms_updated_at = limits.updated_at
    and quantities.product_key = limits.product_key
where quantities.quantity > 0

union all

select
    account_organization_id,
    as_of_date,
    platform_package as product_key,
    bases.basis,
    cast({{ months_covered('period_start', 'period_end') }} as decimal(24, 6)) as quantity,
    last_day as priced_on,
    true as is_subscribed,
    discount_percent,
    cast(null as decimal(38, 10)) as limit_usd
from {{ ref('int_account_days') }}
cross join (
    select 'to_date' as basis
    union all
    select 'forecast' as basis
    union all
    select 'published_rule' as basis
) as bases
where platform_package is not null

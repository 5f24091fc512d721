with rated as (
    {{ rate_usage(
        ref('int_quantities_to_rate'), ['account_organization_id', 'as_of_date', 'product_key', 'basis']
    ) | indent }}
)

select
    rated.account_organization_id,
    rated.as_of_date,
    rated.product_key,
    rated.basis,
    quantities.quantity,
    quantities.limit_usd,
    rated.list_usd,
    rated.after_discount_usd,
    rated.bill_usd,
    rated.has_price
from rated
inner join {{ ref('int_quantities_to_rate') }} as quantities
    on rated.account_organization_id = quantities.account_organization_id
    and rated.as_of_date = quantities.as_of_date
    and rated.product_key = quantities.product_key
    and rated.basis = quantities.basis

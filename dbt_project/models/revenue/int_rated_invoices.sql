with rated as (
    {{ rate_usage(ref('int_invoiced_usage'), ['invoice_id', 'period_start_on', 'product_key']) | indent }}
),

in_currency as (
    select
        rated.invoice_id,
        rated.period_start_on,
        usage.period_end_on,
        usage.month,
        rated.product_key,
        usage.quantity,
        usage.is_subscribed,
        usage.discount_percent,
        usage.limit_usd,
        rated.list_usd,
        rated.after_discount_usd,
        rated.bill_usd,
        rated.is_price_assumed,
        rated.has_price,
        usage.currency,
        {{ usd_per_minor_unit('usage.currency', 'rates') }} as usd_per_minor_unit
    from rated
    inner join {{ ref('int_invoiced_usage') }} as usage
        on rated.invoice_id = usage.invoice_id
        and rated.period_start_on = usage.period_start_on
        and rated.product_key = usage.product_key
    left join {{ ref('int_exchange_rates') }} as rates
        on usage.month = rates.month
        and usage.currency = rates.currency
)

select
    invoice_id,
    period_start_on,
    period_end_on,
    month,
    product_key,
    quantity,
    is_subscribed,
    discount_percent,
    limit_usd,
    list_usd,
    after_discount_usd,
    bill_usd,
    currency,
    {{ usd_to_minor('bill_usd', 'usd_per_minor_unit') }} as bill_minor,
    is_price_assumed,
    has_price
from in_currency

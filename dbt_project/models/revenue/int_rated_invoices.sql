with rated as (
    {{ rate_usage(ref('int_invoiced_usage'), ['invoice_id', 'period_start_on', 'product_key']) | indent }}
),

usage as (
    {{ with_exchange_rate(ref('int_invoiced_usage')) | indent }}
)

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
    usage.currency,
    {{ usd_to_minor('rated.bill_usd', 'usage.usd_per_minor_unit') }} as bill_minor,
    rated.is_price_assumed,
    rated.has_price
from rated
inner join usage
    on rated.invoice_id = usage.invoice_id
    and rated.period_start_on = usage.period_start_on
    and rated.product_key = usage.product_key

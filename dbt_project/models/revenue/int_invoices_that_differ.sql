{#- A bill in a currency without a rate cannot be compared: it is null, and listed with the months without a rate. -#}
with invoiced as (
    select invoice_id, product_key, currency, cast(sum(net_minor) as decimal(38, 0)) as invoiced_minor
    from {{ ref('int_invoice_lines') }}
    where is_mrr and not is_proration and product_key <> 'unmapped'
    group by invoice_id, product_key, currency
),

rated as (
    select invoice_id, product_key, currency, cast(sum(bill_minor) as decimal(38, 0)) as rated_minor
    from {{ ref('int_rated_invoices') }}
    group by invoice_id, product_key, currency
),

compared as (
    select
        coalesce(invoiced.invoice_id, rated.invoice_id) as invoice_id,
        coalesce(invoiced.product_key, rated.product_key) as product_key,
        coalesce(invoiced.currency, rated.currency) as currency,
        case when rated.invoice_id is null then 0 else rated.rated_minor end as rated_minor,
        coalesce(invoiced.invoiced_minor, 0) as invoiced_minor
    from invoiced
    full join rated
        on invoiced.invoice_id = rated.invoice_id
        and invoiced.product_key = rated.product_key
)

select
    invoice_id,
    product_key,
    currency,
    rated_minor,
    invoiced_minor,
    invoiced_minor - rated_minor as difference_minor
from compared
where invoiced_minor <> rated_minor

with invoiced as (
    select invoice_id, product_key, currency, cast(sum(net_minor) as bigint) as invoiced_minor
    from {{ ref('int_invoice_lines') }}
    where is_mrr and product_key <> 'unmapped'
    group by invoice_id, product_key, currency
),

rated as (
    select invoice_id, product_key, currency, cast(sum(bill_minor) as bigint) as rated_minor
    from {{ ref('int_rated_invoices') }}
    where bill_minor is not null
    group by invoice_id, product_key, currency
),

compared as (
    select
        coalesce(invoiced.invoice_id, rated.invoice_id) as invoice_id,
        coalesce(invoiced.product_key, rated.product_key) as product_key,
        coalesce(invoiced.currency, rated.currency) as currency,
        coalesce(rated.rated_minor, 0) as rated_minor,
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

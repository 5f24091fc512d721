select
    lines.invoice_id,
    lines.line_id,
    invoices.stripe_customer_id,
    invoices.account_organization_id,
    invoices.customer_id,
    invoices.currency,
    lines.stripe_product_id,
    coalesce(products.product_key, 'unmapped') as product_key,
    coalesce(products.is_package, false) as is_package,
    lines.is_recurring,
    lines.is_proration,
    lines.is_recurring and not lines.is_proration and not coalesce(products.is_credit, false) as is_mrr,
    lines.period_start_at,
    lines.period_end_at,
    lines.amount_minor,
    lines.discount_minor,
    lines.amount_minor - lines.discount_minor as net_minor,
    coalesce(
        {{ divide_half_up(
            'cast(lines.amount_minor - lines.discount_minor as decimal(19, 0)) * invoices.startup_credit_minor',
            'nullif(invoices.total_minor, 0)'
        ) }},
        0
    ) as startup_credit_minor
from {{ ref('stg_stripe__invoice_lines') }} as lines
inner join {{ ref('int_invoices') }} as invoices on lines.invoice_id = invoices.invoice_id
left join {{ ref('stg_stripe__products') }} as stripe_products
    on lines.stripe_product_id = stripe_products.stripe_product_id
left join {{ ref('products') }} as products on stripe_products.product_key = products.product_key

{#- Which lines recur is what Stripe says of them. An invoice item does if its price does; where no price is known, a
    proration does that names a subscription: Stripe prorates nothing else. -#}
with lines as (
    select
        lines.invoice_id,
        lines.line_number,
        lines.line_id,
        lines.line_kind,
        lines.names_subscription,
        lines.is_proration,
        lines.stripe_product_id,
        coalesce(lines.price_type, prices.price_type) as price_type,
        coalesce(
            lines.price_months,
            prices.price_months,
            {{ months_covered('lines.period_start_at', 'lines.period_end_at') }}
        ) as price_months,
        lines.period_start_at,
        lines.period_end_at,
        lines.amount_minor,
        lines.discount_minor,
        lines.amount_minor - lines.discount_minor as net_minor,
        lines.credit_grant_minor,
        lines.inclusive_tax_minor,
        lines.exclusive_tax_minor
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    left join {{ ref('stg_stripe__prices') }} as prices on lines.stripe_price_id = prices.stripe_price_id
),

told as (
    select
        *,
        case line_kind
            when 'subscription' then true
            when 'invoice_item' then coalesce(price_type = 'recurring', is_proration and names_subscription)
            when 'unknown' then false
            else names_subscription and coalesce(price_type <> 'one_time', true)
        end as is_recurring
    from lines
)

select
    told.invoice_id,
    told.line_number,
    told.line_id,
    told.invoice_id || ' line ' || cast(told.line_number as {{ dbt.type_string() }}) || ' (' || told.line_id || ')' as line_name,
    invoices.stripe_customer_id,
    invoices.account_organization_id,
    invoices.customer_id,
    invoices.currency,
    told.line_kind,
    told.names_subscription,
    told.stripe_product_id,
    coalesce(products.product_key, 'unmapped') as product_key,
    coalesce(products.is_package, false) as is_package,
    told.is_recurring,
    told.is_proration,
    told.is_recurring
    and not coalesce(products.is_credit, false)
    and (not told.is_proration or told.price_months > 1) as is_mrr,
    told.period_start_at,
    told.period_end_at,
    told.amount_minor,
    told.discount_minor,
    told.net_minor,
    told.credit_grant_minor,
    told.inclusive_tax_minor,
    told.exclusive_tax_minor,
    coalesce(
        {{ divide_half_up(
            'cast(told.net_minor - told.credit_grant_minor as decimal(19, 0))'
            ~ ' * least(invoices.startup_credit_minor, invoices.total_minor)',
            'nullif(greatest(invoices.total_minor, 0), 0)'
        ) }},
        0
    ) + case when invoices.is_on_startup_plan then told.credit_grant_minor else 0 end as startup_credit_minor
from told
inner join {{ ref('int_invoices') }} as invoices on told.invoice_id = invoices.invoice_id
left join {{ ref('stg_stripe__products') }} as stripe_products
    on told.stripe_product_id = stripe_products.stripe_product_id
left join {{ ref('products') }} as products on stripe_products.product_key = products.product_key

{#- Stripe has moved the subscription, the product and the proration of a line between versions of its API: both shapes
    are read. A line recurs if it belongs to a subscription or to an item of one. -#}
select
    invoices.id as invoice_id,
    {{ json_text('line.value', 'id') }} as line_id,
    coalesce(
        {{ json_text('line.value', 'subscription') }},
        {{ json_text('line.value', 'parent.subscription_item_details.subscription') }},
        {{ json_text('line.value', 'parent.invoice_item_details.subscription') }}
    ) as subscription_id,
    coalesce(
        {{ json_text('line.value', 'subscription') }},
        {{ json_text('line.value', 'subscription_item') }},
        {{ json_text('line.value', 'parent.subscription_item_details.subscription') }},
        {{ json_text('line.value', 'parent.subscription_item_details.subscription_item') }},
        {{ json_text('line.value', 'parent.invoice_item_details.subscription') }}
    ) is not null as is_recurring,
    coalesce(
        {{ json_text('line.value', 'proration') }},
        {{ json_text('line.value', 'parent.subscription_item_details.proration') }},
        {{ json_text('line.value', 'parent.invoice_item_details.proration') }},
        'false'
    ) = 'true' as is_proration,
    coalesce(
        {{ json_text('line.value', 'price.product') }},
        {{ json_text('line.value', 'pricing.price_details.product') }}
    ) as stripe_product_id,
    {{ json_text('line.value', 'description') }} as description,
    cast({{ json_text('line.value', 'amount') }} as bigint) as amount_minor,
    {{ json_array_sum('line.value', 'discount_amounts', 'amount') }} as discount_minor,
    {{ from_unix_seconds(json_text('line.value', 'period.start')) }} as period_start_at,
    {{ from_unix_seconds(json_text('line.value', 'period.end')) }} as period_end_at
from {{ source('stripe', 'invoices') }} as invoices
{{ json_array_rows('invoices.payload', 'line', 'lines.data') }}

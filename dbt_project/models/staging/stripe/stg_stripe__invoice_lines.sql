{#- Stripe has moved the subscription, the product and the proration of a line between versions of its API: both shapes
    are read. A line recurs if it belongs to a subscription or to an item of one. -#}
{%- set rows -%}
{{ source('stripe', 'invoices') }} as invoices {{ json_array_rows('invoices.payload', 'line', 'lines.data') }}
{%- endset -%}

with lines as (
    {{ json_fields(
        rows,
        column='line.value',
        keep={'invoices.id': 'invoice_id', json_array_sum('line.value', 'discount_amounts', 'amount'): 'discount_minor'},
        fields={
            'line_id': 'id',
            'old_subscription': 'subscription',
            'old_subscription_item': 'subscription_item',
            'old_proration': 'proration',
            'old_product': 'price.product',
            'new_subscription': 'parent.subscription_item_details.subscription',
            'new_subscription_item': 'parent.subscription_item_details.subscription_item',
            'new_proration': 'parent.subscription_item_details.proration',
            'new_item_subscription': 'parent.invoice_item_details.subscription',
            'new_item_proration': 'parent.invoice_item_details.proration',
            'new_product': 'pricing.price_details.product',
            'description': 'description',
            'amount': 'amount',
            'period_start': 'period.start',
            'period_end': 'period.end',
        },
    ) | indent }}
)

select
    invoice_id,
    line_id,
    coalesce(old_subscription, new_subscription, new_item_subscription) as subscription_id,
    coalesce(
        old_subscription, old_subscription_item, new_subscription, new_subscription_item, new_item_subscription
    ) is not null as is_recurring,
    coalesce(old_proration, new_proration, new_item_proration, 'false') = 'true' as is_proration,
    coalesce(old_product, new_product) as stripe_product_id,
    description,
    cast(amount as bigint) as amount_minor,
    discount_minor,
    {{ from_unix_seconds('period_start') }} as period_start_at,
    {{ from_unix_seconds('period_end') }} as period_end_at
from lines

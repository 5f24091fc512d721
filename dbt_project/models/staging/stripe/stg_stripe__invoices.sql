{#- A table, since eight models read it: of a view each would read every invoice's JSON again. -#}
{{ config(materialized='table') }}
with invoices as (
    {{ json_fields(
        source('stripe', 'invoices'),
        column='payload',
        keep={
            'id': 'invoice_id',
            'livemode': 'is_livemode',
            'created': 'created_at',
            listed_tax_minor('payload', 'total_tax_amounts', 'total_taxes'): 'listed_tax_minor',
            json_array_sum('payload', 'total_tax_amounts', 'amount', where='inclusive', equals='true'):
                'old_inclusive_tax_minor',
            json_array_sum('payload', 'total_taxes', 'amount', where='tax_behavior', equals='inclusive'):
                'new_inclusive_tax_minor',
        },
        fields={
            'stripe_customer_id': 'customer',
            'status': 'status',
            'currency': 'currency',
            'old_subscription': 'subscription',
            'new_subscription': 'parent.subscription_details.subscription',
            'period_start': 'period_start',
            'period_end': 'period_end',
            'subtotal': 'subtotal',
            'tax': 'tax',
            'total': 'total',
            'amount_paid': 'amount_paid',
            'starting_balance': 'starting_balance',
            'ending_balance': 'ending_balance',
            'paid': 'status_transitions.paid_at',
        },
    ) | indent }}
)

select
    invoice_id,
    is_livemode,
    created_at,
    stripe_customer_id,
    status,
    lower(currency) as currency,
    coalesce(old_subscription, new_subscription) as subscription_id,
    {{ from_unix_seconds('period_start') }} as period_start_at,
    {{ from_unix_seconds('period_end') }} as period_end_at,
    cast(subtotal as bigint) as subtotal_minor,
    cast(total as bigint) as total_minor,
    cast(tax as bigint) as tax_minor,
    listed_tax_minor - old_inclusive_tax_minor - new_inclusive_tax_minor as exclusive_tax_minor,
    cast(amount_paid as bigint) as amount_paid_minor,
    cast(starting_balance as bigint) as starting_balance_minor,
    cast(ending_balance as bigint) as ending_balance_minor,
    coalesce({{ from_unix_seconds('paid') }}, case when status = 'paid' then created_at end) as paid_at
from invoices

select
    id as invoice_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'customer') }} as stripe_customer_id,
    {{ json_text('payload', 'status') }} as status,
    lower({{ json_text('payload', 'currency') }}) as currency,
    coalesce(
        {{ json_text('payload', 'subscription') }},
        {{ json_text('payload', 'parent.subscription_details.subscription') }}
    ) as subscription_id,
    {{ from_unix_seconds(json_text('payload', 'period_start')) }} as period_start_at,
    {{ from_unix_seconds(json_text('payload', 'period_end')) }} as period_end_at,
    cast({{ json_text('payload', 'subtotal') }} as bigint) as subtotal_minor,
    cast({{ json_text('payload', 'total') }} as bigint) as total_minor,
    cast({{ json_text('payload', 'amount_paid') }} as bigint) as amount_paid_minor,
    cast({{ json_text('payload', 'starting_balance') }} as bigint) as starting_balance_minor,
    cast({{ json_text('payload', 'ending_balance') }} as bigint) as ending_balance_minor,
    coalesce(
        {{ from_unix_seconds(json_text('payload', 'status_transitions.paid_at')) }},
        case when {{ json_text('payload', 'status') }} = 'paid' then created end
    ) as paid_at
from {{ source('stripe', 'invoices') }}

select
    id as subscription_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'customer') }} as stripe_customer_id,
    {{ json_text('payload', 'status') }} as status,
    {{ from_unix_seconds(json_text('payload', 'canceled_at')) }} as canceled_at,
    {{ from_unix_seconds(json_text('payload', 'ended_at')) }} as ended_at
from {{ source('stripe', 'subscriptions') }}

select
    id as stripe_price_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'product') }} as stripe_product_id,
    {{ json_text('payload', 'currency') }} as currency,
    {{ json_text('payload', 'type') }} as price_type,
    {{ price_months(
        json_text('payload', 'recurring.interval'), json_text('payload', 'recurring.interval_count')
    ) }} as price_months
from {{ source('stripe', 'prices') }}

select
    id as stripe_price_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'product') }} as stripe_product_id,
    {{ json_text('payload', 'currency') }} as currency
from {{ source('stripe', 'prices') }}

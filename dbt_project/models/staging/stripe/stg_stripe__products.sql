select
    id as stripe_product_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'name') }} as name,
    {{ json_text('payload', 'metadata.product_key') }} as product_key
from {{ source('stripe', 'products') }}

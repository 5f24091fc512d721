select
    id as organization_id,
    name,
    created_at,
    nullif(trim(customer_id), '') as stripe_customer_id,
    region,
    for_internal_metrics as is_internal,
    signup_channel,
    removed_at,
    updated_at
from {{ source('product_db', 'organizations') }}

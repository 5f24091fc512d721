select
    id as stripe_customer_id,
    livemode as is_livemode,
    created as created_at,
    nullif(trim({{ json_text('payload', 'metadata.organization_id') }}), '') as organization_id,
    coalesce({{ json_text('payload', 'metadata.is_startup_plan') }} = 'true', false) as is_startup_plan,
    coalesce({{ json_text('payload', 'metadata.payment_only') }} = 'true', false) as is_payment_only,
    coalesce({{ json_text('payload', 'deleted') }} = 'true', false) as is_deleted
from {{ source('stripe', 'customers') }}

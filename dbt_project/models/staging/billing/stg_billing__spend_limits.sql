select
    customers.organization_id,
    customers.updated_at,
    spend_limit.name as product_key,
    cast(spend_limit.value as decimal(38, 10)) as limit_usd
from {{ source('billing', 'billing_customers') }} as customers
{{ json_object_rows('customers.custom_limits_usd', 'spend_limit') }}

select
    customers.organization_id,
    customers.updated_at,
    {{ json_text('product.value') }} as product_key
from {{ source('billing', 'billing_customers') }} as customers
{{ json_array_rows('customers.subscribed_products', 'product') }}

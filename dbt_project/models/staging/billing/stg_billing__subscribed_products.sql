{#- A list may name a product twice; it is subscribed once, and billed once. -#}
{%- set keep = ['organization_id', 'updated_at'] -%}
select distinct
    product.organization_id,
    product.updated_at,
    {{ json_text('product.value') }} as product_key
from {{ json_array_rows(source('billing', 'billing_customers'), keep, 'subscribed_products') }} as product

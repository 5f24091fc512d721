{%- set keep = ['organization_id', 'updated_at'] -%}
select
    spend_limit.organization_id,
    spend_limit.updated_at,
    spend_limit.name as product_key,
    cast(spend_limit.value as decimal(38, 10)) as limit_usd
from {{ json_object_rows(source('billing', 'billing_customers'), keep, 'custom_limits_usd') }} as spend_limit

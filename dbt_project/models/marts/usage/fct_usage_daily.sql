select
    organization_id,
    product_key,
    quantity,
    date
from {{ ref('int_usage_by_product_daily') }}

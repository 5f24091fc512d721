select product_key, display_name, product_group, is_primary, is_package, is_credit
from {{ ref('products') }}

union all

select 'unmapped', 'Unmapped', 'unmapped', false, false, false

select
    month,
    product_key,
    region,
    cast(cost_usd_per_unit as decimal(18, 10)) as cost_usd_per_unit
from {{ source('costs', 'unit_costs') }}

select
    month,
    organization_id,
    category,
    amount_usd
from {{ source('costs', 'account_costs') }}

select sum(price_usd_year * target_customers) as target_usd_year
from {{ ref('arr_mix_targets') }}
having sum(price_usd_year * target_customers) <> 100000000

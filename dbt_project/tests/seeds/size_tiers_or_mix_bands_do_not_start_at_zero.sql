select 'size_tiers' as seed
from {{ ref('size_tiers') }}
having min(arr_from_usd_year) <> 0

union all

select 'arr_mix_targets' as seed
from {{ ref('arr_mix_targets') }}
having min(arr_from_usd_year) <> 0

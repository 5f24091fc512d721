{{ config(materialized='view') }}

select
    tier,
    arr_from_usd_year,
    coalesce(
        lead(arr_from_usd_year) over (order by arr_from_usd_year), cast(99999999999999999999.99 as decimal(22, 2))
    ) as arr_below_usd_year
from {{ ref('size_tiers') }}

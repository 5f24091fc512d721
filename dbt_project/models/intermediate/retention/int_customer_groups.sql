{#- Groups by which movements are told apart besides products. One more is a column here, and its name in
    fct_mrr_movements_by. -#}
select
    months.customer_id,
    months.month,
    tiers.tier as size_tier
from {{ ref('fct_mrr_monthly') }} as months
inner join {{ ref('int_size_tiers') }} as tiers
    on case when months.arr_usd_year > 0 then months.arr_usd_year else 0 end >= tiers.arr_from_usd_year
    and case when months.arr_usd_year > 0 then months.arr_usd_year else 0 end < tiers.arr_below_usd_year

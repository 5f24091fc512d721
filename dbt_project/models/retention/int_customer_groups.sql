{#- Groups of a customer at the end of each month, by which movements are split besides products; the segment is that
    of the canonical organization. A further group is one more column here, and its name in fct_mrr_movements_by. -#}
select
    months.customer_id,
    months.month,
    coalesce(segments.icp_segment, 'unknown') as icp_segment,
    tiers.tier as size_tier
from {{ ref('fct_mrr_monthly') }} as months
inner join {{ ref('int_size_tiers') }} as tiers
    on case when months.arr_usd_year > 0 then months.arr_usd_year else 0 end >= tiers.arr_from_usd_year
    and case when months.arr_usd_year > 0 then months.arr_usd_year else 0 end < tiers.arr_below_usd_year
left join {{ ref('fct_organization_segments') }} as segments
    on months.customer_id = segments.organization_id
    and {{ month_end('months.month') }} >= segments.valid_from
    and {{ month_end('months.month') }} < coalesce(segments.valid_to, cast('9999-12-31' as date))

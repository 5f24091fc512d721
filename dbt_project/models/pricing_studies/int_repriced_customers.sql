{#- The customers that the candidate reprices, as they are on the data day; whoever never paid has no MRR. -#}
with repriced as (
    select distinct customer_id
    from {{ ref('int_repriced_mrr') }}
),

customers as (
    select
        repriced.customer_id,
        coalesce(months.mrr_usd_month, 0) as mrr_usd_month,
        coalesce(months.arr_usd_year, 0) as arr_usd_year
    from repriced
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('fct_mrr_monthly') }} as months
        on repriced.customer_id = months.customer_id
        and data_day.last_closed_month = months.month
)

select
    customers.customer_id,
    organizations.name as customer_name,
    coalesce(segments.icp_segment, 'unknown') as icp_segment,
    tiers.tier as size_tier,
    bands.band as arr_mix_band,
    customers.mrr_usd_month,
    customers.arr_usd_year
from customers
inner join {{ ref('int_size_tiers') }} as tiers
    on greatest(customers.arr_usd_year, 0) >= tiers.arr_from_usd_year
    and greatest(customers.arr_usd_year, 0) < tiers.arr_below_usd_year
inner join {{ ref('int_arr_mix_bands') }} as bands
    on greatest(customers.arr_usd_year, 0) >= bands.arr_from_usd_year
    and greatest(customers.arr_usd_year, 0) < bands.arr_below_usd_year
left join {{ ref('int_organizations') }} as organizations on customers.customer_id = organizations.organization_id
left join {{ ref('int_organization_segments') }} as segments on customers.customer_id = segments.organization_id

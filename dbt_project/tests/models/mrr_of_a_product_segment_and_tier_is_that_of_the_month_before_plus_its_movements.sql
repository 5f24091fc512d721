{{ config(group='retention') }}

with ends as (
    select
        products.month,
        products.product_key,
        customer_groups.icp_segment,
        customer_groups.size_tier,
        sum(products.mrr_usd_month - products.refund_usd) as mrr_usd
    from {{ ref('fct_mrr_products') }} as products
    inner join {{ ref('int_customer_groups') }} as customer_groups
        on products.customer_id = customer_groups.customer_id
        and products.month = customer_groups.month
    group by products.month, products.product_key, customer_groups.icp_segment, customer_groups.size_tier
),

sides as (
    select month, product_key, icp_segment, size_tier, mrr_usd, 0 as start_usd, 0 as delta_usd
    from ends

    union all

    select
        cast({{ dbt.dateadd('month', 1, 'ends.month') }} as date) as month,
        ends.product_key,
        ends.icp_segment,
        ends.size_tier,
        0 as mrr_usd,
        ends.mrr_usd as start_usd,
        0 as delta_usd
    from ends
    cross join {{ ref('int_data_day') }} as data_day
    where ends.month < data_day.last_closed_month

    union all

    select month, product_key, icp_segment, size_tier, 0 as mrr_usd, 0 as start_usd, delta_usd_month as delta_usd
    from {{ ref('fct_mrr_movements_by') }}
)

select
    month,
    product_key,
    icp_segment,
    size_tier,
    sum(start_usd) as start_usd,
    sum(delta_usd) as delta_usd,
    sum(mrr_usd) as mrr_usd
from sides
group by month, product_key, icp_segment, size_tier
having sum(start_usd) + sum(delta_usd) <> sum(mrr_usd)

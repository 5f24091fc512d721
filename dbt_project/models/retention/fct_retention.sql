{#- A product that a customer of the base took up since has no MRR in the base month; one that it gave up has none now. -#}
with pairs as (
    select
        base.customer_id,
        base.month as base_month,
        windows.base_months,
        cast({{ dbt.dateadd('month', 'windows.base_months', 'base.month') }} as date) as month
    from {{ ref('fct_mrr_monthly') }} as base
    cross join {{ ref('retention_windows') }} as windows
    inner join {{ ref('int_data_day') }} as data_day
        on data_day.last_closed_month >= {{ dbt.dateadd('month', 'windows.base_months', 'base.month') }}
    where base.arr_usd_year >= {{ threshold('retention_floor_usd_year') }}
),

products as (
    select customer_id, month, product_key, mrr_usd_month - refund_usd as mrr_usd
    from {{ ref('fct_mrr_products') }}
),

sides as (
    select
        pairs.customer_id,
        pairs.base_month,
        pairs.base_months,
        pairs.month,
        products.product_key,
        products.mrr_usd as base_mrr_usd,
        cast(0 as decimal(22, 2)) as current_mrr_usd
    from pairs
    inner join products
        on pairs.customer_id = products.customer_id
        and pairs.base_month = products.month

    union all

    select
        pairs.customer_id,
        pairs.base_month,
        pairs.base_months,
        pairs.month,
        products.product_key,
        0,
        products.mrr_usd
    from pairs
    inner join products
        on pairs.customer_id = products.customer_id
        and pairs.month = products.month
)

select
    sides.customer_id,
    sides.month,
    sides.base_months,
    sides.product_key,
    base_groups.icp_segment,
    base_groups.size_tier,
    coalesce(organizations.signup_channel, 'not_stated') as signup_channel,
    {{ usd('sum(sides.base_mrr_usd)') }} as base_mrr_usd_month,
    {{ usd('sum(sides.current_mrr_usd)') }} as current_mrr_usd_month
from sides
inner join {{ ref('int_customer_groups') }} as base_groups
    on sides.customer_id = base_groups.customer_id
    and sides.base_month = base_groups.month
inner join {{ ref('int_organizations') }} as organizations on sides.customer_id = organizations.organization_id
group by
    sides.customer_id, sides.month, sides.base_months, sides.product_key, base_groups.icp_segment,
    base_groups.size_tier, organizations.signup_channel

{#- Units by calendar month and region of those who pay, with the free ones, and what they cost: the region's own cost, else
    that of all. -#}
with paying as (
    select customer_id, month
    from {{ ref('fct_mrr_monthly') }}
    where mrr_usd_month > 0
),

costs as (
    select month, product_key, region, cost_usd_per_unit
    from {{ ref('stg_costs__unit_costs') }}
),

months as (
    select distinct month
    from costs
),

usage as (
    select
        customers.customer_id,
        months.month,
        usage.product_key,
        organizations.region,
        sum(usage.quantity) as quantity
    from {{ ref('int_usage_months') }} as usage
    inner join months on usage.month = months.month
    inner join {{ ref('int_customers') }} as customers on usage.organization_id = customers.organization_id
    inner join {{ ref('int_organizations') }} as organizations on usage.organization_id = organizations.organization_id
    inner join paying
        on customers.customer_id = paying.customer_id
        and months.month = paying.month
    group by customers.customer_id, months.month, usage.product_key, organizations.region
)

select
    usage.customer_id,
    usage.month,
    usage.product_key,
    usage.region,
    cast(usage.quantity as decimal(24, 6)) as quantity,
    {{ round_half_up(
        'cast(usage.quantity as decimal(24, 6)) * cast(coalesce(of_region.cost_usd_per_unit, of_all.cost_usd_per_unit)'
        ~ ' as decimal(14, 10))'
    ) }} as cost_usd
from usage
left join costs as of_region
    on usage.month = of_region.month
    and usage.product_key = of_region.product_key
    and usage.region = of_region.region
left join costs as of_all
    on usage.month = of_all.month
    and usage.product_key = of_all.product_key
    and of_all.region = 'all'

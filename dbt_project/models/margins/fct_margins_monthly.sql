{#- A month in which one used product has no cost is not known: as if it cost nothing, a loss would look like a gain. -#}
with units as (
    select
        customer_id,
        month,
        {{ usd('sum(cost_usd)') }} as cost_usd,
        sum(case when cost_usd is null then 1 else 0 end) as products_without_cost
    from {{ ref('int_unit_cost_months') }}
    group by customer_id, month
),

delivered as (
    select distinct month
    from {{ ref('stg_costs__unit_costs') }}
),

delivered_for_accounts as (
    select distinct month
    from {{ ref('stg_costs__account_costs') }}
),

accounts as (
    select customers.customer_id, costs.month, {{ usd('sum(costs.amount_usd)') }} as amount_usd
    from {{ ref('stg_costs__account_costs') }} as costs
    inner join {{ ref('int_customers') }} as customers on costs.organization_id = customers.organization_id
    group by customers.customer_id, costs.month
),

months as (
    select
        mrr.customer_id,
        mrr.month,
        mrr.mrr_usd_month,
        coalesce(units.products_without_cost, 0) as products_without_cost,
        case when coalesce(units.products_without_cost, 0) = 0 then coalesce(units.cost_usd, 0) end as unit_cost_usd,
        case when delivered_for_accounts.month is not null then coalesce(accounts.amount_usd, 0) end as account_cost_usd
    from {{ ref('fct_mrr_monthly') }} as mrr
    inner join delivered on mrr.month = delivered.month
    left join units
        on mrr.customer_id = units.customer_id
        and mrr.month = units.month
    left join accounts
        on mrr.customer_id = accounts.customer_id
        and mrr.month = accounts.month
    left join delivered_for_accounts on mrr.month = delivered_for_accounts.month
    where mrr.mrr_usd_month > 0
)

select
    customer_id,
    month,
    mrr_usd_month,
    {{ usd('unit_cost_usd') }} as unit_cost_usd,
    {{ usd('account_cost_usd') }} as account_cost_usd,
    {{ usd('mrr_usd_month - unit_cost_usd - coalesce(account_cost_usd, 0)') }} as margin_usd,
    {{ ratio('(mrr_usd_month - unit_cost_usd - coalesce(account_cost_usd, 0))', 'mrr_usd_month') }} as margin_share,
    cast(products_without_cost as int) as products_without_cost
from months

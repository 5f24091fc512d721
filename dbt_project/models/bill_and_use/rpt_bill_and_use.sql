{#- Two questions of each customer that was billed: does the open bill rise above the last one, and does use hold or fall?
    A bill that rises while use falls is the one that a customer leaves over. -#}
with billed as (
    select
        months.customer_id,
        months.list_usd - months.discount_usd as billed_usd,
        data_day.as_of_date
    from {{ ref('fct_mrr_monthly') }} as months
    inner join {{ ref('int_data_day') }} as data_day on months.month = data_day.last_closed_month
    where months.list_usd > months.discount_usd
),

forecasts as (
    select members.customer_id, sum(forecasts.forecast_bill_usd) as forecast_bill_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_data_day') }} as data_day on forecasts.as_of_date = data_day.as_of_date
    inner join {{ ref('int_customers') }} as members on forecasts.account_organization_id = members.organization_id
    group by members.customer_id
),

ranked as (
    select
        customer_id,
        product_key,
        unit_cost_change_percent,
        is_hardly_used,
        saves_usd_month,
        row_number() over (partition by customer_id order by billed_usd desc, product_key) as place
    from {{ ref('rpt_billed_products') }}
),

products as (
    select
        customer_id,
        max(case when place = 1 then product_key end) as largest_product_key,
        max(case when place = 1 then unit_cost_change_percent end) as unit_cost_change_percent,
        sum(case when is_hardly_used then 1 when not is_hardly_used then 0 end) as hardly_used_products,
        sum(saves_usd_month) as saves_usd_month
    from ranked
    group by customer_id
),

compared as (
    select
        billed.customer_id,
        billed.billed_usd,
        billed.as_of_date,
        forecasts.forecast_bill_usd,
        {{ percent_of_millionths(
            change_millionths('forecasts.forecast_bill_usd', '1', 'billed.billed_usd', '1')
        ) }} as bill_change_percent,
        health.health,
        health.fall_percent
    from billed
    left join forecasts on billed.customer_id = forecasts.customer_id
    left join {{ ref('int_customer_health') }} as health
        on billed.customer_id = health.customer_id
        and health.weeks_ago = 0
),

placed as (
    select
        compared.*,
        case
            when bill_change_percent is null or health is null then 'unknown'
            when bill_change_percent > {{ threshold('bill_rises_percent') }}
                and forecast_bill_usd - billed_usd > {{ threshold('bill_rises_usd') }}
                then case when health = 'healthy' then 'bill_rises_use_holds' else 'bill_rises_use_falls' end
            when health = 'healthy' then 'bill_holds_use_holds'
            else 'bill_holds_use_falls'
        end as cell
    from compared
)

select
    placed.customer_id,
    organizations.name as customer_name,
    placed.cell,
    coalesce(placed.health, 'unknown') as health,
    placed.fall_percent,
    {{ usd('placed.billed_usd') }} as billed_usd,
    {{ usd('placed.forecast_bill_usd') }} as forecast_bill_usd,
    placed.bill_change_percent,
    products.largest_product_key,
    products.unit_cost_change_percent,
    cast(products.hardly_used_products as int) as hardly_used_products,
    {{ usd('products.saves_usd_month') }} as saves_usd_month,
    case
        when placed.cell = 'bill_rises_use_falls' then 'Show what makes up the bill before it comes, and how to lower it'
        when products.saves_usd_month > 0 then 'Say what they pay for and hardly use, and what leaving it off saves'
        when placed.cell = 'bill_rises_use_holds' then 'Ask whether the bill is what they expect'
        when placed.cell = 'bill_holds_use_falls' then 'Ask what they stopped using and why'
    end as next_action,
    placed.as_of_date
from placed
left join products on placed.customer_id = products.customer_id
left join {{ ref('int_organizations') }} as organizations on placed.customer_id = organizations.organization_id

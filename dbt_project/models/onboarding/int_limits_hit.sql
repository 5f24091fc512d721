{#- A limit below zero is no limit that anybody reaches: it is listed with the data's faults. -#}
with open_periods as (
    select
        forecasts.account_organization_id as organization_id,
        forecasts.period_start,
        forecasts.period_end,
        forecasts.as_of_date
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_data_day') }} as data_day on forecasts.as_of_date = data_day.as_of_date
),

reached as (
    select
        products.organization_id,
        products.product_key,
        products.bill_to_date_usd,
        products.limit_usd,
        products.after_discount_usd - products.bill_usd as cut_usd,
        levels.signal,
        levels.share_of_limit,
        open_periods.period_start,
        open_periods.period_end,
        open_periods.as_of_date,
        row_number() over (
            partition by products.organization_id, products.product_key
            order by levels.share_of_limit desc
        ) as level_rank
    from open_periods
    inner join {{ ref('fct_bill_forecast_products') }} as products
        on open_periods.organization_id = products.organization_id
        and open_periods.as_of_date = products.as_of_date
    inner join {{ ref('spend_limit_levels') }} as levels
        on products.bill_to_date_usd >= cast(products.limit_usd as decimal(20, 2)) * levels.share_of_limit
    where products.after_discount_usd > 0 and products.limit_usd >= 0
),

{#- Days of the period on which the limit was the present one and the level was reached, counted back from the data day. -#}
days as (
    select
        reached.organization_id,
        reached.product_key,
        reached.signal,
        cast({{ dbt.datediff('products.as_of_date', 'reached.as_of_date', 'day') }} as int) as step,
        products.as_of_date as day,
        products.bill_to_date_usd as figure
    from reached
    inner join {{ ref('fct_bill_forecast_products') }} as products
        on reached.organization_id = products.organization_id
        and reached.product_key = products.product_key
        and reached.limit_usd = products.limit_usd
        and products.as_of_date >= reached.period_start
        and products.as_of_date <= reached.as_of_date
    where
        products.after_discount_usd > 0
        and products.bill_to_date_usd >= cast(products.limit_usd as decimal(20, 2)) * reached.share_of_limit
),

runs as (
    {{ unbroken_since('days', ['organization_id', 'product_key', 'signal']) }}
)

select
    customers.customer_id,
    reached.organization_id,
    reached.product_key,
    reached.signal,
    reached.level_rank = 1 as is_highest,
    reached.bill_to_date_usd as amount_to_date_usd,
    {{ usd(round_half_up('cast(reached.limit_usd as decimal(20, 2)) * reached.share_of_limit')) }} as threshold_usd,
    reached.limit_usd,
    {{ usd('reached.cut_usd') }} as cut_usd,
    reached.period_end,
    runs.since,
    reached.as_of_date
from reached
inner join runs
    on reached.organization_id = runs.organization_id
    and reached.product_key = runs.product_key
    and reached.signal = runs.signal
inner join {{ ref('int_customers') }} as customers on reached.organization_id = customers.organization_id

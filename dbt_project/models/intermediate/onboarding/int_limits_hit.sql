with open_periods as (
    select
        forecasts.organization_id,
        forecasts.period_start,
        forecasts.period_end,
        forecasts.as_of_date
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join {{ ref('int_data_day') }} as data_day on forecasts.as_of_date = data_day.as_of_date
),

levels as (
    select
        products.organization_id,
        products.product_key,
        products.as_of_date,
        open_periods.period_end,
        products.as_of_date = open_periods.as_of_date as is_data_day,
        products.bill_to_date_usd,
        products.limit_usd,
        products.after_discount_usd - products.bill_usd as cut_usd,
        levels.signal,
        levels.share_of_limit,
        min(products.as_of_date) over (
            partition by products.organization_id, products.product_key, levels.signal
        ) as since,
        row_number() over (
            partition by products.organization_id, products.product_key, products.as_of_date
            order by levels.share_of_limit desc
        ) as level_rank
    from open_periods
    inner join {{ ref('fct_bill_forecast_products') }} as products
        on open_periods.organization_id = products.organization_id
        and products.as_of_date >= open_periods.period_start
    inner join {{ ref('spend_limit_levels') }} as levels
        on products.bill_to_date_usd >= cast(products.limit_usd as decimal(20, 2)) * levels.share_of_limit
    where products.after_discount_usd > 0
)

select
    customers.customer_id,
    levels.organization_id,
    levels.product_key,
    levels.signal,
    levels.level_rank = 1 as is_highest,
    levels.bill_to_date_usd as amount_to_date_usd,
    {{ usd(round_half_up('cast(levels.limit_usd as decimal(20, 2)) * levels.share_of_limit')) }} as threshold_usd,
    levels.limit_usd,
    {{ usd('levels.cut_usd') }} as cut_usd,
    levels.period_end,
    levels.since,
    levels.as_of_date
from levels
inner join {{ ref('int_customers') }} as customers on levels.organization_id = customers.organization_id
where levels.is_data_day

{{ config(materialized='view') }}

{#- All accounts of a customer are added up. It crosses a line between two of its days with a forecast. -#}
with days as (
    select
        members.customer_id,
        forecasts.as_of_date as day,
        sum(forecasts.forecast_payable_usd) as payable_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as members on forecasts.account_organization_id = members.organization_id
    group by members.customer_id, forecasts.as_of_date
),

compared as (
    select
        customer_id,
        day,
        payable_usd,
        coalesce(lag(payable_usd) over (partition by customer_id order by day), 0) as payable_before_usd
    from days
),

limits as (
    select
        members.customer_id,
        products.product_key,
        products.limit_usd,
        min(products.as_of_date) as day
    from {{ ref('fct_bill_forecast_products') }} as products
    inner join {{ ref('int_bill_forecasts') }} as forecasts
        on products.organization_id = forecasts.account_organization_id
        and products.as_of_date = forecasts.as_of_date
    inner join {{ ref('int_customers') }} as members on products.organization_id = members.organization_id
    inner join {{ ref('spend_limit_levels') }} as levels
        on levels.signal = 'at_limit'
        and products.bill_to_date_usd >= cast(products.limit_usd as decimal(20, 2)) * levels.share_of_limit
    where products.after_discount_usd > 0 and products.limit_usd >= 0
    group by
        members.customer_id, products.organization_id, products.product_key, products.limit_usd, forecasts.period_start
)

select
    compared.customer_id,
    compared.day,
    'forecast_crossed_line' as kind,
    lines.line as subject,
    case when compared.payable_usd >= lines.line_usd then 'up' else 'down' end as what,
    cast(compared.payable_usd as decimal(24, 4)) as figure,
    'USD a month' as unit,
    'fct_bill_forecasts' as source_table
from compared
inner join {{ ref('int_revenue_lines') }} as lines
    on lines.period = 'month'
    and (compared.payable_usd >= lines.line_usd) <> (compared.payable_before_usd >= lines.line_usd)

union all

select
    customer_id,
    day,
    'limit_reached',
    product_key,
    null,
    cast(max(limit_usd) as decimal(24, 4)),
    'USD a period',
    'fct_bill_forecast_products'
from limits
group by customer_id, day, product_key

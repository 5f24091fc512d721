select
    forecast.account_organization_id as organization_id,
    forecast.product_key,
    cast(coalesce(to_date.quantity, 0) as decimal(22, 6)) as quantity_to_date,
    cast(forecast.quantity as decimal(22, 6)) as projected_quantity,
    {{ usd('forecast.list_usd') }} as list_usd,
    {{ usd('forecast.after_discount_usd') }} as after_discount_usd,
    cast(forecast.limit_usd as decimal(18, 2)) as limit_usd,
    {{ usd('forecast.bill_usd') }} as bill_usd,
    {{ usd('coalesce(to_date.bill_usd, 0)') }} as bill_to_date_usd,
    forecast.as_of_date
from {{ ref('int_rated_forecasts') }} as forecast
left join {{ ref('int_rated_forecasts') }} as to_date
    on forecast.account_organization_id = to_date.account_organization_id
    and forecast.as_of_date = to_date.as_of_date
    and forecast.product_key = to_date.product_key
    and to_date.basis = 'to_date'
where forecast.basis = 'forecast'

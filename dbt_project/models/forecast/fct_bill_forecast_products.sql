{{ built_by_days('as_of_date') }}

select
    account_organization_id as organization_id,
    product_key,
    cast(to_date_quantity as decimal(24, 6)) as quantity_to_date,
    cast(forecast_quantity as decimal(24, 6)) as projected_quantity,
    {{ usd('forecast_list_usd') }} as list_usd,
    {{ usd('forecast_after_discount_usd') }} as after_discount_usd,
    {{ usd('limit_usd') }} as limit_usd,
    {{ usd('forecast_bill_usd') }} as bill_usd,
    {{ usd('to_date_bill_usd') }} as bill_to_date_usd,
    is_price_assumed,
    as_of_date
from {{ ref('int_rated_forecasts') }}
where to_date_quantity > 0 or forecast_quantity > 0

{#- What the bill of a period was once it had closed: the forecast of its last day, in which a day that was never
    reported counts with what was expected of it, as in every forecast before. -#}
{{ config(materialized='view') }}

select
    account_organization_id,
    period_start,
    period_end,
    as_of_date as closed_on,
    forecast_bill_usd as bill_usd
from {{ ref('int_bill_forecasts') }}
where day_of_period = period_days

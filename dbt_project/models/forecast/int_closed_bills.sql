{#- What the bill of a period was once it had closed: the forecast of its last day. -#}
{{ config(materialized='view') }}

select
    account_organization_id,
    period_start,
    period_end,
    amount_to_date_usd as bill_usd
from {{ ref('int_bill_forecasts') }}
where day_of_period = period_days

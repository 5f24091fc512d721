{{ config(materialized='view') }}

select
    month,
    currency,
    cast(
        cast(usd_per_unit as decimal(20, 10)) * cast(power(10.0, -1 * minor_unit_decimals) as decimal(5, 4))
        as decimal(24, 14)
    ) as usd_per_minor_unit
from {{ ref('exchange_rates') }}

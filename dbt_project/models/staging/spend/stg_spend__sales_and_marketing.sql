select
    month,
    category,
    channel as signup_channel,
    amount_usd
from {{ source('spend', 'sales_and_marketing') }}

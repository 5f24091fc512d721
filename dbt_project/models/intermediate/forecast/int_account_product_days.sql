{#- One row per account, product and day since its first use, with the sums that forecasts are made of. -#}
with first_uses as (
    select account_id, product_key, min(date) as first_used_on
    from {{ ref('int_account_usage_daily') }}
    group by account_id, product_key
),

days as (
    select
        first_uses.account_id,
        first_uses.product_key,
        days.date,
        days.is_reported,
        coalesce(usage.quantity, 0) as quantity
    from first_uses
    inner join {{ ref('int_history_days') }} as days on first_uses.first_used_on <= days.date
    left join {{ ref('int_account_usage_daily') }} as usage
        on first_uses.account_id = usage.account_id
        and first_uses.product_key = usage.product_key
        and days.date = usage.date
)

select
    account_id,
    product_key,
    date,
    quantity,
    sum(quantity) over (
        partition by account_id, product_key
        order by date
        rows between unbounded preceding and current row
    ) as quantity_so_far,
    sum(quantity) over (
        partition by account_id, product_key
        order by date
        rows between 6 preceding and current row
    ) as quantity_7_days,
    sum(quantity) over (
        partition by account_id, product_key
        order by date
        rows between 27 preceding and current row
    ) as recent_quantity,
    sum(case when is_reported then 1 else 0 end) over (
        partition by account_id, product_key
        order by date
        rows between 27 preceding and current row
    ) as recent_days
from days

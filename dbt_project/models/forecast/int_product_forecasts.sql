{#- Units of each product in an open period: to date, expected by its end, and by the vendor's published rule. What is
    expected of missing days counts like what is expected of days to come. -#}
with quantities as (
    select
        accounts.account_organization_id,
        accounts.as_of_date,
        windows.product_key,
        accounts.period_days,
        accounts.day_of_period,
        {{ dbt.datediff('accounts.subscribed_on', 'accounts.as_of_date', 'day') }} as subscribed_days,
        cast(windows.quantity_so_far - coalesce(earlier.quantity_so_far, 0) as decimal(24, 6)) as quantity_to_date,
        cast(windows.expected_so_far - coalesce(earlier.expected_so_far, 0) as decimal(24, 6)) as expected_to_date,
        coalesce(levels.quantity_left, 0) as quantity_left,
        windows.week_0
    from {{ ref('int_account_days') }} as accounts
    inner join {{ ref('int_usage_windows') }} as windows
        on accounts.account_id = windows.account_id
        and accounts.as_of_date = windows.date
    left join {{ ref('int_usage_windows') }} as earlier
        on accounts.account_id = earlier.account_id
        and windows.product_key = earlier.product_key
        and earlier.date = {{ dbt.dateadd('day', -1, 'accounts.period_start') }}
    left join {{ ref('int_daily_levels') }} as levels
        on accounts.account_organization_id = levels.account_organization_id
        and accounts.as_of_date = levels.as_of_date
        and windows.product_key = levels.product_key
)

select
    account_organization_id,
    as_of_date,
    product_key,
    quantity_to_date,
    cast(expected_to_date + quantity_left as decimal(24, 6)) as projected_quantity,
    cast(
        case
            when subscribed_days < {{ threshold('published_rule_quiet_days') }} then quantity_to_date
            when day_of_period <= {{ threshold('published_rule_week_days') }}
                then quantity_to_date + week_0 * (period_days - day_of_period) / 7
            else quantity_to_date * period_days / day_of_period
        end as decimal(24, 6)
    ) as published_rule_quantity
from quantities

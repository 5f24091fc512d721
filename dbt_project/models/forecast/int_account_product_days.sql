{#- One row per account, product and day since its first use. Of a missing day the mean is expected of the reported days
    since the first use in the four weeks before it: it is neither zero nor a break of the rhythm. -#}
{{ config(materialized='view') }}

with usage as (
    select account_id, product_key, date, quantity
    from {{ ref('int_account_usage_daily') }}
),

first_uses as (
    select account_id, product_key, min(date) as first_used_on
    from usage
    group by account_id, product_key
),

days as (
    select
        first_uses.account_id,
        first_uses.product_key,
        days.date,
        days.is_reported,
        days.missing_days_so_far,
        coalesce(usage.quantity, 0) as quantity
    from first_uses
    inner join {{ ref('int_history_days') }} as days on first_uses.first_used_on <= days.date
    inner join {{ ref('int_days_to_build') }} as to_build on days.date <= to_build.last_day
    left join usage
        on first_uses.account_id = usage.account_id
        and first_uses.product_key = usage.product_key
        and days.date = usage.date
),

estimated as (
    select
        missing.account_id,
        missing.product_key,
        missing.date,
        sum(days.quantity) as quantity,
        {{ dbt.datediff('min(days.date)', 'missing.date', 'day') }}
        - (missing.missing_days_so_far - 1 - min(days.missing_days_so_far)) as reported_days
    from days as missing
    inner join days
        on missing.account_id = days.account_id
        and missing.product_key = days.product_key
        and days.date >= {{ dbt.dateadd('day', -28, 'missing.date') }}
        and days.date < missing.date
        and days.quantity > 0
    where not missing.is_reported
    group by missing.account_id, missing.product_key, missing.date, missing.missing_days_so_far
)

select
    days.account_id,
    days.product_key,
    days.date,
    cast({{ dbt.datediff("cast('2000-01-03' as date)", 'days.date', 'day') }} % 7 as int) as weekday,
    days.quantity,
    cast(
        case
            when estimated.date is null then days.quantity
            else {{ divide_half_up(
                'cast(estimated.quantity * 1000000 as decimal(38, 0))', 'estimated.reported_days', 'decimal(30, 0)'
            ) }} * 0.000001
        end as decimal(24, 6)
    ) as expected_quantity
from days
left join estimated
    on days.account_id = estimated.account_id
    and days.product_key = estimated.product_key
    and days.date = estimated.date

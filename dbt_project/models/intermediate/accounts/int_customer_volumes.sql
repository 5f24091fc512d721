{#- Volume of each product by itself, since counters of different ones are never added; how far a rate a day has fallen
    is a share of what it was, and a rise is no fall below 0. Usage of a few weeks is read, not the whole history. -#}
with usage as (
    select
        customers.customer_id,
        usage.product_key,
        usage.date,
        sum(usage.quantity) as quantity
    from {{ ref('fct_usage_daily') }} as usage
    inner join {{ ref('int_customers') }} as customers on usage.organization_id = customers.organization_id
    where
        usage.date > (select min(before_after) from {{ ref('int_volume_windows') }})
        and usage.date <= (select max(ends_on) from {{ ref('int_volume_windows') }})
    group by customers.customer_id, usage.product_key, usage.date
),

volumes as (
    select
        usage.customer_id,
        usage.product_key,
        windows.weeks_ago,
        windows.ends_on,
        windows.before_after,
        max(windows.recent_days) as recent_days,
        max(windows.before_days) as before_days,
        max(windows.recent_week_days) as recent_week_days,
        max(windows.week_before_days) as week_before_days,
        sum(case when usage.date > windows.recent_after then usage.quantity else 0 end) as recent_quantity,
        sum(case when usage.date <= windows.recent_after then usage.quantity else 0 end) as before_quantity,
        sum(case when usage.date > windows.recent_week_after then usage.quantity else 0 end) as recent_week_quantity,
        sum(
            case
                when usage.date > windows.week_before_after and usage.date <= windows.recent_week_after
                    then usage.quantity
                else 0
            end
        ) as week_before_quantity
    from usage
    inner join {{ ref('int_volume_windows') }} as windows
        on usage.date > windows.before_after
        and usage.date <= windows.ends_on
    group by usage.customer_id, usage.product_key, windows.weeks_ago, windows.ends_on, windows.before_after
)

select
    customer_id,
    product_key,
    weeks_ago,
    ends_on,
    before_after,
    cast(recent_quantity as decimal(38, 6)) as recent_quantity,
    cast(before_quantity as decimal(38, 6)) as before_quantity,
    {{ change_millionths('recent_quantity', 'recent_days', 'before_quantity', 'before_days') }} as change_millionths,
    {{ change_millionths(
        'recent_week_quantity', 'recent_week_days', 'week_before_quantity', 'week_before_days'
    ) }} as week_change_millionths
from volumes

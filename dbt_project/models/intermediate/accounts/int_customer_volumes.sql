{#- Volume of each product by itself, since counters of different ones are never added; how far a rate a day has fallen
    is a share of what it was. Usage of a few weeks is read, not the whole history, and days before the data day are
    looked at only for customers that pay or need somebody: at 100,000 organizations they are one in twenty. -#}
with customers as (
    select
        members.organization_id,
        members.customer_id,
        coverage.arr_usd_year > 0 or routing.customer_id is not null as is_followed
    from {{ ref('int_customers') }} as members
    inner join {{ ref('int_customer_coverage') }} as coverage on members.customer_id = coverage.customer_id
    left join {{ ref('fct_account_routing') }} as routing on members.customer_id = routing.customer_id
),

usage as (
    select
        customers.customer_id,
        customers.is_followed,
        usage.product_key,
        usage.date,
        usage.quantity
    from {{ ref('fct_usage_daily') }} as usage
    inner join customers on usage.organization_id = customers.organization_id
    where
        usage.date > (select min(before_after) from {{ ref('int_volume_windows') }})
        and usage.date <= (select max(ends_on) from {{ ref('int_volume_windows') }})
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
        and (usage.is_followed or windows.weeks_ago = 0)
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

{#- Volume by product, since different counters are never added up, and its change per day as a share of before. A
    customer that began to use the product after the earlier window began has nothing to compare with. Reads a few
    weeks of usage, not the whole history. Days before the data day are compared only for customers that pay or
    subscribe, since no list names others by them. A day without a quorum is missing for everybody, also for those who
    reported it. A day is in several windows: usage is added up once, by stretches. -#}
with first_days as (
    select customers.customer_id, min(usage.first_used_on) as first_used_on
    from {{ ref('int_usage_by_organization') }} as usage
    inner join {{ ref('int_customers') }} as customers on usage.organization_id = customers.organization_id
    group by customers.customer_id
),

subscribed as (
    select distinct members.customer_id
    from {{ ref('int_billing_versions') }} as billing
    inner join {{ ref('int_customers') }} as members on billing.organization_id = members.organization_id
    where billing.is_current and billing.has_active_subscription
),

customers as (
    select
        members.organization_id,
        members.customer_id,
        standing.arr_usd_year > 0 or subscribed.customer_id is not null as is_followed
    from {{ ref('int_customers') }} as members
    inner join {{ ref('int_customer_standing') }} as standing on members.customer_id = standing.customer_id
    left join subscribed on members.customer_id = subscribed.customer_id
),

days as (
    select
        days.date,
        looked_at.is_followed,
        windows.weeks_ago,
        days.date > windows.recent_after as is_recent,
        days.date > windows.recent_week_after as is_recent_week,
        days.date > windows.week_before_after and days.date <= windows.recent_week_after as is_week_before
    from {{ ref('int_volume_windows') }} as windows
    inner join {{ ref('int_history_days') }} as days
        on days.is_reported
        and days.date > windows.before_after
        and days.date <= windows.ends_on
    inner join (select true as is_followed union all select false as is_followed) as looked_at
        on looked_at.is_followed
        or windows.weeks_ago = 0
),

{#- A stretch is the days between two neighbours of all days on which a window begins or ends: each window has all of it or
    nothing. -#}
stretches as (
    select days.date, count(distinct bounds.day) as stretch
    from days
    inner join (
        {% for bound in ['before_after', 'recent_after', 'recent_week_after', 'week_before_after', 'ends_on'] -%}
        select {{ bound }} as day
        from {{ ref('int_volume_windows') }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as bounds
        on days.date > bounds.day
    group by days.date
),

{#- By organization first: of them there are fewer rows to give to customers. -#}
used as (
    select
        usage.organization_id,
        usage.product_key,
        stretches.stretch,
        sum(usage.quantity) as quantity
    from {{ ref('fct_usage_daily') }} as usage
    inner join stretches on usage.date = stretches.date
    where usage.date > (select min(before_after) from {{ ref('int_volume_windows') }})
    group by usage.organization_id, usage.product_key, stretches.stretch
),

windows_with_stretches as (
    select distinct
        stretches.stretch,
        days.is_followed,
        days.weeks_ago,
        days.is_recent,
        days.is_recent_week,
        days.is_week_before
    from days
    inner join stretches on days.date = stretches.date
),

volumes as (
    select
        customers.customer_id,
        used.product_key,
        windows.weeks_ago,
        sum(case when windows.is_recent then used.quantity else 0 end) as recent_quantity,
        sum(case when windows.is_recent then 0 else used.quantity end) as before_quantity,
        sum(case when windows.is_recent_week then used.quantity else 0 end) as recent_week_quantity,
        sum(case when windows.is_week_before then used.quantity else 0 end) as week_before_quantity
    from used
    inner join customers on used.organization_id = customers.organization_id
    inner join windows_with_stretches as windows
        on customers.is_followed = windows.is_followed
        and used.stretch = windows.stretch
    group by customers.customer_id, used.product_key, windows.weeks_ago
)

select
    volumes.customer_id,
    volumes.product_key,
    volumes.weeks_ago,
    windows.ends_on,
    cast(volumes.recent_quantity as decimal(38, 6)) as recent_quantity,
    cast(volumes.before_quantity as decimal(38, 6)) as before_quantity,
    case when first_days.first_used_on <= {{ dbt.dateadd('day', 1, 'windows.before_after') }} then {{ change_millionths(
        'volumes.recent_quantity', 'windows.recent_days', 'volumes.before_quantity', 'windows.before_days'
    ) }} end as change_millionths,
    case when first_days.first_used_on <= {{ dbt.dateadd('day', 1, 'windows.week_before_after') }} then {{ change_millionths(
        'volumes.recent_week_quantity', 'windows.recent_week_days',
        'volumes.week_before_quantity', 'windows.week_before_days'
    ) }} end as week_change_millionths
from volumes
inner join first_days on volumes.customer_id = first_days.customer_id
inner join {{ ref('int_volume_windows') }} as windows on volumes.weeks_ago = windows.weeks_ago

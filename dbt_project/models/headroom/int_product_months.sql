{#- What customers used by product and closed month, back to the months from which headroom is judged. Growth is that of the
    months up to it: the median of the slopes between any two, as of revenue, with their quartiles as a range. The month in
    which a product was first used is no whole one. -#}
with usage as (
    select
        members.customer_id,
        months.product_key,
        months.month,
        cast(sum(months.quantity) as decimal(24, 6)) as quantity
    from {{ ref('int_usage_months') }} as months
    inner join {{ ref('int_customers') }} as members on months.organization_id = members.organization_id
    group by members.customer_id, months.product_key, months.month
),

dated as (
    select
        usage.*,
        {{ month_end('usage.month') }} as month_end,
        {{ dbt.datediff('usage.month', 'data_day.last_closed_month', 'month') }} as months_back
    from usage
    inner join {{ ref('int_data_day') }} as data_day on usage.month <= data_day.last_closed_month
),

months as (
    select
        dated.*,
        months_back = 0 or (
            months_back >= {{ threshold('headroom_months') }}
            and months_back < {{ threshold('headroom_months') }} + {{ threshold('headroom_backtests') }}
        ) as is_base
    from dated
    where
        quantity > 0
        and months_back < {{ threshold('growth_window_months') }} + {{ threshold('headroom_months') }}
        + {{ threshold('headroom_backtests') }}
),

subscriptions as (
    select distinct bases.month, members.customer_id, subscribed.product_key
    from (select distinct month, month_end from months where is_base) as bases
    inner join {{ ref('int_billing_versions') }} as versions
        on {{ dbt.dateadd('day', 1, 'bases.month_end') }} > versions.valid_from
        and {{ dbt.dateadd('day', 1, 'bases.month_end') }} <= versions.valid_to
        and versions.has_active_subscription
    inner join {{ ref('int_customers') }} as members on versions.organization_id = members.organization_id
    left join {{ ref('stg_billing__subscribed_products') }} as subscribed
        on versions.organization_id = subscribed.organization_id
        and versions.updated_at = subscribed.updated_at
),

with_terms as (
    select
        months.*,
        tiers.units_to as free_units,
        case
            when months.is_base then subscribers.customer_id is not null and subscriptions.customer_id is null
        end as is_not_subscribed
    from months
    left join {{ ref('int_price_tiers') }} as tiers
        on months.is_base
        and months.product_key = tiers.product_key
        and months.month_end >= tiers.valid_from
        and months.month_end < tiers.valid_to
        and tiers.tier = 1
        and tiers.unit_price_usd = 0
    left join (select distinct month, customer_id from subscriptions) as subscribers
        on months.month = subscribers.month
        and months.customer_id = subscribers.customer_id
    left join subscriptions
        on months.month = subscriptions.month
        and months.customer_id = subscriptions.customer_id
        and months.product_key = subscriptions.product_key
),

{#- By itself: of all other use no slopes are made. -#}
near_free as {{ computed_once() }} (
    select
        customer_id,
        product_key,
        month,
        months_back,
        months_back + cast({{ threshold('growth_window_months') }} as int) as window_ends
    from with_terms
    where quantity <= free_units and quantity >= free_units * {{ threshold('free_use_from_share') }}
),

first_months as (
    select usage.customer_id, usage.product_key, min(usage.month) as month
    from usage
    inner join (select distinct customer_id, product_key from near_free) as wanted
        on usage.customer_id = wanted.customer_id
        and usage.product_key = wanted.product_key
    group by usage.customer_id, usage.product_key
),

window_months as {{ computed_once() }} (
    select
        near_free.customer_id,
        near_free.product_key,
        near_free.month,
        months.months_back,
        ln({{ estimate('months.quantity') }}) as log_quantity,
        months.month > first_months.month as is_whole
    from near_free
    inner join months
        on near_free.customer_id = months.customer_id
        and near_free.product_key = months.product_key
        and near_free.months_back <= months.months_back
        and near_free.window_ends > months.months_back
    inner join first_months
        on near_free.customer_id = first_months.customer_id
        and near_free.product_key = first_months.product_key
),

slopes as (
    select
        later.customer_id,
        later.product_key,
        later.month,
        least(
            (later.log_quantity - earlier.log_quantity) / (earlier.months_back - later.months_back),
            ln({{ estimate(threshold('month_growth_max_factor')) }})
        ) as slope
    from window_months as later
    inner join window_months as earlier
        on later.customer_id = earlier.customer_id
        and later.product_key = earlier.product_key
        and later.month = earlier.month
        and later.months_back < earlier.months_back
    where earlier.is_whole
),

growth as (
    select
        customer_id,
        product_key,
        month,
        percentile_cont(0.25) within group (order by slope) as low_growth,
        percentile_cont(0.5) within group (order by slope) as growth,
        percentile_cont(0.75) within group (order by slope) as high_growth
    from slopes
    group by customer_id, product_key, month
    having 2 * count(*) >= {{ threshold('growth_min_months') }} * ({{ threshold('growth_min_months') }} - 1)
)

select
    months.customer_id,
    months.product_key,
    months.month,
    months.month_end,
    cast(months.months_back as int) as months_back,
    months.is_base,
    months.quantity,
    months.free_units,
    months.is_not_subscribed,
    growth.low_growth,
    growth.growth,
    growth.high_growth
from with_terms as months
left join growth
    on months.customer_id = growth.customer_id
    and months.product_key = growth.product_key
    and months.month = growth.month

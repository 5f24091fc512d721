{#- What customers used by product and closed month, back to the months from which headroom is judged. -#}
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
)

select
    months.customer_id,
    months.product_key,
    months.month,
    months.month_end,
    cast(months.months_back as int) as months_back,
    months.is_base,
    months.quantity,
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

{#- Nothing is suggested to whom the onboarding specialist writes, to new customers, and while health is poor. -#}
with users as (
    select customer_id, count(*) as users
    from {{ ref('int_active_users') }}
    group by customer_id
),

roles as (
    select
        people.customer_id,
        rules.signal,
        rules.product_key,
        count(*) as people
    from {{ ref('int_active_users') }} as people
    inner join {{ ref('role_products') }} as rules on people.role_at_organization = rules.role_at_organization
    group by people.customer_id, rules.signal, rules.product_key
),

suggested as (
    select unused.customer_id, 'pair' as signal, unused.product_key, max(volumes.recent_quantity) as figure, min(unused.since) as since
    from {{ ref('int_product_gaps') }} as unused
    inner join {{ ref('product_pairs') }} as pairs on unused.product_key = pairs.goes_with
    inner join {{ ref('int_customer_volumes') }} as volumes
        on unused.customer_id = volumes.customer_id
        and pairs.product_key = volumes.product_key
        and volumes.weeks_ago = 0
    group by unused.customer_id, unused.product_key

    union all

    select customer_id, 'peers_use', product_key, peers_percent, since
    from {{ ref('int_product_gaps') }}

    union all

    select
        unused.customer_id,
        roles.signal,
        unused.product_key,
        {{ percent_of_millionths(divide_half_up('1000000 * roles.people', 'users.users')) }},
        unused.since
    from {{ ref('int_product_gaps') }} as unused
    inner join roles
        on unused.customer_id = roles.customer_id
        and unused.product_key = roles.product_key
    inner join users on unused.customer_id = users.customer_id

    union all

    select customer_id, signal, 'product_analytics', figure, since
    from {{ ref('int_volume_signals') }}

    union all

    select
        customer_id,
        'near_limit',
        product_key,
        max({{ percent_of_millionths(divide_half_up('100000000 * amount_to_date_usd', '100 * limit_usd')) }}),
        min(since)
    from {{ ref('rpt_limits_hit') }}
    where limit_usd > 0
    group by customer_id, product_key

    union all

    select customer_id, signal, product_key, figure, since
    from {{ ref('int_package_signals') }}
),

candidates as (
    select suggested.customer_id, suggested.signal, suggested.product_key, suggested.figure, suggested.since
    from suggested
    inner join {{ ref('int_listed_customers') }} as customers
        on suggested.customer_id = customers.customer_id
        and customers.is_paying
    where
        not customers.is_in_onboarding_queue
        and customers.health <> 'poor'
        and {{ dbt.datediff('customers.created_on', 'customers.as_of_date', 'day') }} >= {{ threshold('cross_sell_after_days') }}
)

{{ account_list('cross_sell', 'candidates', key=['candidates.product_key']) }}

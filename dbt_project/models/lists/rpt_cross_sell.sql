{#- No suggestions for new customers, customers in the onboarding queue and customers in poor health. -#}
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

near_limits as (
    select
        customer_id,
        organization_id,
        signal,
        product_key,
        since,
        {{ percent_of_millionths(divide_half_up(
            'cast(amount_to_date_usd as decimal(30, 2)) * 100000000', 'cast(limit_usd as decimal(20, 2)) * 100'
        )) }} as figure
    from {{ ref('int_limits_hit') }}
    where limit_usd > 0 and signal = 'near_limit'
),

nearest_limits as (
    select
        near_limits.*,
        row_number() over (
            partition by customer_id, product_key order by figure desc, since, organization_id
        ) as account_rank
    from near_limits
),

suggested as (
    select
        unused.customer_id,
        'pair' as signal,
        unused.product_key,
        min(pairs.offer_order) as offer_order,
        max(volumes.recent_quantity) as figure,
        min(unused.since) as since
    from {{ ref('int_product_gaps') }} as unused
    inner join {{ ref('product_pairs') }} as pairs on unused.product_key = pairs.goes_with
    inner join {{ ref('int_customer_volumes') }} as volumes
        on unused.customer_id = volumes.customer_id
        and pairs.product_key = volumes.product_key
        and volumes.weeks_ago = 0
    group by unused.customer_id, unused.product_key

    union all

    select customer_id, 'peers_use', product_key, 0, peers_percent, since
    from {{ ref('int_product_gaps') }}

    union all

    select
        unused.customer_id,
        roles.signal,
        unused.product_key,
        0,
        {{ percent_of_millionths(divide_half_up('1000000 * roles.people', 'users.users')) }},
        unused.since
    from {{ ref('int_product_gaps') }} as unused
    inner join roles
        on unused.customer_id = roles.customer_id
        and unused.product_key = roles.product_key
    inner join users on unused.customer_id = users.customer_id

    {% for rows, product in [
        (ref('int_volume_signals'), "'product_analytics'"),
        (ref('int_package_signals'), 'product_key'),
        (ref('int_event_signals') ~ ' where product_key is not null', 'product_key'),
        (ref('int_conversation_signals') ~ ' where product_key is not null', 'product_key'),
        ('nearest_limits where account_rank = 1', 'product_key'),
    ] -%}
    union all

    select customer_id, signal, {{ product }}, 0, figure, since
    from {{ rows }}
    {% endfor %}
),

placed as (
    select
        suggested.customer_id,
        suggested.signal,
        suggested.product_key,
        suggested.figure,
        suggested.since,
        row_number() over (
            partition by suggested.customer_id, suggested.signal
            order by suggested.offer_order, suggested.figure desc, suggested.product_key
        ) as place
    from suggested
    inner join {{ ref('account_signals') }} as signals
        on suggested.signal = signals.signal
        and {{ fires('suggested.figure') | indent(8) }}
),

candidates as (
    select
        placed.customer_id,
        placed.signal,
        placed.product_key,
        others.others as other_products,
        placed.figure,
        placed.since
    from placed
    inner join {{ ref('int_listed_customers') }} as customers
        on placed.customer_id = customers.customer_id
        and customers.is_paying
    left join {{ ref('int_onboarding_stays') }} as queued
        on placed.customer_id = queued.customer_id
        and queued.exited_on is null
    left join {{ ref('int_customer_health') }} as health
        on placed.customer_id = health.customer_id
        and health.weeks_ago = 0
    {{ join_others('placed', 'product_key') | indent(4) }}
    where
        placed.place = 1
        and queued.customer_id is null
        and coalesce(health.health <> 'poor', true)
        and {{ dbt.datediff('customers.created_on', 'customers.as_of_date', 'day') }} >= {{ threshold('cross_sell_after_days') }}
)

{{ account_list('cross_sell', 'candidates', columns=['candidates.product_key', 'candidates.other_products']) }}

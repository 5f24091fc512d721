{#- Products that a paying customer does not use, since which of the days that are compared it has used others only, and
    how many of the paying customers of its size do use them. Add-ons are no products of their own here. -#}
with main_products as (
    select products.product_key
    from {{ ref('products') }} as products
    inner join {{ ref('usage_counters') }} as counters on products.product_key = counters.product_key
    left join {{ ref('products') }} as extended
        on products.product_group = extended.product_key
        and products.product_key <> extended.product_key
    where extended.product_key is null
),

customers as (
    select customer_id, size_tier
    from {{ ref('int_listed_customers') }}
    where is_paying
),

used as (
    select volumes.customer_id, customers.size_tier, volumes.product_key, volumes.weeks_ago, volumes.ends_on
    from {{ ref('int_customer_volumes') }} as volumes
    inner join customers on volumes.customer_id = customers.customer_id
    where volumes.recent_quantity > 0
),

looks as (
    select distinct customer_id, weeks_ago, ends_on
    from used
),

unused as (
    select
        looks.customer_id,
        main_products.product_key,
        looks.weeks_ago as step,
        looks.ends_on as day,
        0 as figure
    from looks
    cross join main_products
    left join used
        on looks.customer_id = used.customer_id
        and looks.weeks_ago = used.weeks_ago
        and main_products.product_key = used.product_key
    where used.customer_id is null
),

runs as (
    {{ unbroken_since('unused', ['customer_id', 'product_key']) }}
),

peers as (
    select size_tier, count(*) as peers
    from customers
    group by size_tier
),

users as (
    select size_tier, product_key, count(*) as users
    from used
    where weeks_ago = 0
    group by size_tier, product_key
)

select
    runs.customer_id,
    runs.product_key,
    runs.since,
    case
        when peers.peers >= {{ threshold('peers_min') }}
            then {{ percent_of_millionths(divide_half_up('1000000 * coalesce(users.users, 0)', 'peers.peers')) }}
    end as peers_percent
from runs
inner join customers on runs.customer_id = customers.customer_id
inner join peers on customers.size_tier = peers.size_tier
left join users
    on customers.size_tier = users.size_tier
    and runs.product_key = users.product_key

{#- Product groups that a paying customer does not use: since which of the days that are compared it has used only
    others, and the share of paying customers of its size that use them. Add-ons count with their group, and
    recordings of phones with those of the web. The group's main product is offered, or else its first. -#}
with ranked as (
    select
        products.product_group,
        products.product_key,
        row_number() over (
            partition by products.product_group
            order by
                case when products.product_key = products.product_group then 0 else 1 end,
                products.product_key
        ) as product_rank
    from {{ ref('products') }} as products
    inner join {{ ref('usage_counters') }} as counters on products.product_key = counters.product_key
),

offered as (
    select product_group, product_key
    from ranked
    where product_rank = 1
),

customers as (
    select customer_id, size_tier
    from {{ ref('int_listed_customers') }}
    where is_paying
),

used as (
    select distinct
        volumes.customer_id,
        customers.size_tier,
        products.product_group,
        volumes.weeks_ago,
        volumes.ends_on
    from {{ ref('int_customer_volumes') }} as volumes
    inner join {{ ref('products') }} as products on volumes.product_key = products.product_key
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
        offered.product_group,
        looks.weeks_ago as step,
        looks.ends_on as day,
        0 as figure
    from looks
    cross join offered
    left join used
        on looks.customer_id = used.customer_id
        and looks.weeks_ago = used.weeks_ago
        and offered.product_group = used.product_group
    where used.customer_id is null
),

runs as (
    {{ unbroken_since('unused', ['customer_id', 'product_group']) }}
),

peers as (
    select size_tier, count(*) as peers
    from customers
    group by size_tier
),

users as (
    select size_tier, product_group, count(*) as users
    from used
    where weeks_ago = 0
    group by size_tier, product_group
)

select
    runs.customer_id,
    offered.product_key,
    runs.since,
    case
        when peers.peers >= {{ threshold('peers_min') }}
            then {{ percent_of_millionths(divide_half_up('1000000 * coalesce(users.users, 0)', 'peers.peers')) }}
    end as peers_percent
from runs
inner join offered on runs.product_group = offered.product_group
inner join customers on runs.customer_id = customers.customer_id
inner join peers on customers.size_tier = peers.size_tier
left join users
    on customers.size_tier = users.size_tier
    and runs.product_group = users.product_group

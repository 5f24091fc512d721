{#- How many of the paying customers of one size use a product. -#}
with peers as (
    select size_tier, count(*) as customers
    from {{ ref('int_listed_customers') }}
    where is_paying
    group by size_tier
),

users as (
    select customers.size_tier, volumes.product_key, count(*) as users
    from {{ ref('int_customer_volumes') }} as volumes
    inner join {{ ref('int_listed_customers') }} as customers
        on volumes.customer_id = customers.customer_id
        and customers.is_paying
    where volumes.weeks_ago = 0 and volumes.recent_quantity > 0
    group by customers.size_tier, volumes.product_key
)

select
    users.size_tier,
    users.product_key,
    {{ percent_of_millionths(divide_half_up('1000000 * users.users', 'peers.customers')) }} as users_percent
from users
inner join peers on users.size_tier = peers.size_tier
where peers.customers >= {{ threshold('peers_min') }}

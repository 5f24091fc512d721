{#- Products that a paying customer does not use, and since which of the days that are compared it has used others only.
    Add-ons are no products of their own here. -#}
with main_products as (
    select products.product_key
    from {{ ref('products') }} as products
    inner join {{ ref('usage_counters') }} as counters on products.product_key = counters.product_key
    left join {{ ref('products') }} as extended
        on products.product_group = extended.product_key
        and products.product_key <> extended.product_key
    where extended.product_key is null
),

used as (
    select volumes.customer_id, volumes.product_key, volumes.weeks_ago, volumes.ends_on
    from {{ ref('int_customer_volumes') }} as volumes
    inner join {{ ref('int_listed_customers') }} as customers on volumes.customer_id = customers.customer_id
    where volumes.recent_quantity > 0 and customers.is_paying
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
)

select customer_id, product_key, since
from runs

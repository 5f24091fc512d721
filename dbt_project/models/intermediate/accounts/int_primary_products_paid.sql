{#- Primary products that a customer pays for in the last closed month. -#}
with paid as (
    select lines.customer_id, lines.product_key
    from {{ ref('int_mrr_lines') }} as lines
    inner join {{ ref('products') }} as products
        on lines.product_key = products.product_key
        and products.is_primary
    inner join {{ ref('int_data_day') }} as data_day on lines.month = data_day.last_closed_month
    where lines.has_exchange_rate
    group by lines.customer_id, lines.product_key
    having sum(lines.list_usd - lines.discount_usd - lines.credit_applied_usd) > 0
)

select customer_id, cast(count(*) as int) as primary_products_paid
from paid
group by customer_id

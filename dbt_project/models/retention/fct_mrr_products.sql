with products as (
    select
        lines.customer_id,
        lines.month,
        lines.product_key,
        {{ usd('sum(lines.list_usd)') }} as list_usd,
        {{ usd('sum(lines.discount_usd)') }} as discount_usd,
        {{ usd('sum(lines.credit_applied_usd)') }} as credit_applied_usd,
        {{ usd('sum(lines.refund_usd)') }} as refund_usd,
        {{ usd('sum(lines.list_usd - lines.discount_usd - lines.credit_applied_usd)') }} as mrr_usd_month
    from {{ ref('int_mrr_lines') }} as lines
    cross join {{ ref('int_data_day') }} as data_day
    where lines.has_exchange_rate and lines.month <= data_day.last_closed_month
    group by lines.customer_id, lines.month, lines.product_key
)

select
    products.customer_id,
    products.month,
    products.product_key,
    products.list_usd,
    products.discount_usd,
    products.credit_applied_usd,
    products.refund_usd,
    products.mrr_usd_month,
    {{ arr_usd_year('products.mrr_usd_month') }} as arr_usd_year,
    months.basis
from products
inner join {{ ref('fct_mrr_monthly') }} as months
    on products.customer_id = months.customer_id
    and products.month = months.month

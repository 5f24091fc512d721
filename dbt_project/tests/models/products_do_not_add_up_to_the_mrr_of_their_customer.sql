with products as (
    select customer_id, month, sum(mrr_usd_month) as mrr_usd, sum(refund_usd) as refund_usd
    from {{ ref('fct_mrr_products') }}
    group by customer_id, month
)

select months.customer_id, months.month, months.mrr_usd_month, months.refund_usd, products.mrr_usd
from {{ ref('fct_mrr_monthly') }} as months
left join products
    on months.customer_id = products.customer_id
    and months.month = products.month
where
    months.mrr_usd_month + months.refund_usd <> coalesce(products.mrr_usd, 0)
    or months.refund_usd <> coalesce(products.refund_usd, 0)

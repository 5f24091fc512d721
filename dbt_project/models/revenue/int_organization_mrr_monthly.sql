with monthly as (
    select
        lines.account_organization_id,
        lines.month,
        lines.product_key,
        sum(lines.list_usd - lines.discount_usd - lines.credit_applied_usd) as before_refunds_usd,
        sum(lines.list_usd - lines.discount_usd - lines.credit_applied_usd - lines.refund_usd) as mrr_usd
    from {{ ref('int_mrr_lines') }} as lines
    cross join {{ ref('int_data_day') }} as data_day
    where lines.has_exchange_rate and lines.month <= data_day.last_closed_month
    group by lines.account_organization_id, lines.month, lines.product_key
)

select
    monthly.account_organization_id as organization_id,
    monthly.month,
    {{ usd('sum(monthly.mrr_usd)') }} as mrr_usd_month,
    cast(
        sum(case when monthly.before_refunds_usd > 0 and not coalesce(products.is_package, false) then 1 else 0 end) as int
    ) as products_paid
from monthly
left join {{ ref('products') }} as products on monthly.product_key = products.product_key
group by monthly.account_organization_id, monthly.month

{#- MRR of the last closed month by billing account, and what it paid for. -#}
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
),

months as (
    select
        monthly.account_organization_id,
        monthly.month,
        sum(monthly.mrr_usd) as mrr_usd,
        sum(
            case when monthly.before_refunds_usd > 0 and not coalesce(products.is_package, false) then 1 else 0 end
        ) as products_paid
    from monthly
    left join {{ ref('products') }} as products on monthly.product_key = products.product_key
    group by monthly.account_organization_id, monthly.month
),

by_account as (
    select
        months.account_organization_id as organization_id,
        {{ usd('sum(case when months.month = data_day.last_closed_month then months.mrr_usd else 0 end)') }}
            as mrr_usd_month,
        cast(
            sum(case when months.month = data_day.last_closed_month then months.products_paid else 0 end) as int
        ) as products_paid,
        min(case when months.mrr_usd > 0 then months.month end) as first_paid_month
    from months
    cross join {{ ref('int_data_day') }} as data_day
    group by months.account_organization_id
)

select
    organization_id,
    mrr_usd_month,
    {{ arr_usd_year('mrr_usd_month') }} as arr_usd_year,
    products_paid,
    first_paid_month
from by_account

{#- MRR of the last closed month by billing account, and what it paid for. -#}
with by_account as (
    select
        months.organization_id,
        {{ usd('sum(case when months.month = data_day.last_closed_month then months.mrr_usd_month else 0 end)') }}
            as mrr_usd_month,
        cast(
            sum(case when months.month = data_day.last_closed_month then months.products_paid else 0 end) as int
        ) as products_paid,
        min(case when months.mrr_usd_month > 0 then months.month end) as first_paid_month
    from {{ ref('int_organization_mrr_monthly') }} as months
    cross join {{ ref('int_data_day') }} as data_day
    group by months.organization_id
)

select
    organization_id,
    mrr_usd_month,
    {{ arr_usd_year('mrr_usd_month') }} as arr_usd_year,
    products_paid,
    first_paid_month
from by_account

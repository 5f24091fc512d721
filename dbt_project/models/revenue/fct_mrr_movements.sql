with months as (
    select
        customer_id,
        month,
        mrr_usd_month as mrr_after,
        coalesce(lag(mrr_usd_month) over (partition by customer_id order by month), 0) as mrr_before,
        coalesce(
            max(mrr_usd_month) over (
                partition by customer_id order by month rows between unbounded preceding and 1 preceding
            ), 0
        ) as highest_mrr_before
    from {{ ref('fct_mrr_monthly') }}
)

select
    customer_id,
    month,
    case
        when mrr_before <= 0 and mrr_after > 0 and highest_mrr_before <= 0 then 'new'
        when mrr_before <= 0 and mrr_after > 0 then 'reactivation'
        when mrr_before > 0 and mrr_after <= 0 then 'churn'
        when mrr_after > mrr_before then 'expansion'
        else 'contraction'
    end as movement,
    {{ usd('mrr_after - mrr_before') }} as delta_usd_month,
    {{ usd('mrr_before') }} as mrr_before_usd_month,
    {{ usd('mrr_after') }} as mrr_after_usd_month
from months
where mrr_after <> mrr_before

with mrr as (
    select month, sum(mrr_usd_month) as mrr_usd
    from {{ ref('fct_mrr_monthly') }}
    group by month
),

movements as (
    select month, sum(delta_usd_month) as delta_usd
    from {{ ref('fct_mrr_movements') }}
    group by month
),

compared as (
    select
        mrr.month,
        mrr.mrr_usd,
        coalesce(lag(mrr.mrr_usd) over (order by mrr.month), 0) + coalesce(movements.delta_usd, 0) as expected_mrr_usd
    from mrr
    left join movements on mrr.month = movements.month
)

select month, mrr_usd, expected_mrr_usd
from compared
where mrr_usd <> expected_mrr_usd

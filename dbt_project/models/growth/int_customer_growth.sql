{#- The present growth of a customer: the median of the slopes between any two of its last months (Theil and Sen's), on
    the logarithm of MRR. One month that is out of line moves it little. Only months since it last paid nothing count. -#}
with recent as (
    select
        monthly.customer_id,
        {{ dbt.datediff('monthly.month', 'data_day.last_closed_month', 'month') }} as months_ago,
        monthly.mrr_usd_month
    from {{ ref('fct_mrr_monthly') }} as monthly
    cross join {{ ref('int_data_day') }} as data_day
    where
        monthly.month <= data_day.last_closed_month
        and {{ dbt.datediff('monthly.month', 'data_day.last_closed_month', 'month') }}
            < {{ threshold('growth_window_months') }}
),

paid as (
    select recent.customer_id, recent.months_ago, recent.mrr_usd_month
    from recent
    left join (
        select customer_id, min(months_ago) as months_ago from recent where mrr_usd_month <= 0 group by customer_id
    ) as unpaid
        on recent.customer_id = unpaid.customer_id
    where unpaid.months_ago is null or recent.months_ago < unpaid.months_ago
),

slopes as (
    select
        later.customer_id,
        (ln(later.mrr_usd_month) - ln(earlier.mrr_usd_month)) / (earlier.months_ago - later.months_ago) as slope
    from paid as later
    inner join paid as earlier
        on later.customer_id = earlier.customer_id
        and later.months_ago < earlier.months_ago
),

growing as (
    select customer_id, percentile_cont(0.5) within group (order by slope) as log_growth_per_month
    from slopes
    group by customer_id
)

select
    paid.customer_id,
    max(case when paid.months_ago = 0 then paid.mrr_usd_month end) as mrr_usd_month,
    cast(count(*) as int) as months,
    cast(max(growing.log_growth_per_month) as decimal(18, 10)) as log_growth_per_month
from paid
inner join growing on paid.customer_id = growing.customer_id
group by paid.customer_id
having count(*) >= {{ threshold('growth_min_months') }}

with bands as (
    select as_of, sum(customers) as customers, sum(arr_usd) as arr_usd
    from {{ ref('rpt_arr_mix_progress') }}
    group by as_of
),

totals as (
    select
        {{ month_end('month') }} as as_of,
        sum(case when mrr_usd_month > 0 then 1 else 0 end) as customers,
        sum(arr_usd_year) as arr_usd
    from {{ ref('fct_mrr_monthly') }}
    group by {{ month_end('month') }}
)

select totals.as_of, totals.customers, bands.customers as customers_by_band, totals.arr_usd, bands.arr_usd as arr_by_band
from totals
left join bands on totals.as_of = bands.as_of
where
    bands.as_of is null
    or totals.customers <> bands.customers
    or totals.arr_usd <> bands.arr_usd

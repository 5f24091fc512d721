{#- What was projected from months in the past, with the rows up to them alone, beside what came. -#}
with projected as (
    select
        simulation.months_ahead,
        simulation.band,
        simulation.share_met,
        simulation.customers_p10,
        simulation.customers_p50,
        simulation.customers_p90,
        cast(simulation.arr_usd_p10 as decimal(28, 2)) as arr_usd_p10,
        cast(simulation.arr_usd_p50 as decimal(28, 2)) as arr_usd_p50,
        cast(simulation.arr_usd_p90 as decimal(28, 2)) as arr_usd_p90,
        simulation.customers_naive,
        cast(simulation.arr_usd_naive as decimal(28, 2)) as arr_usd_naive,
        {{ month_end('simulation.as_of_month') }} as as_of,
        cast({{ dbt.dateadd('month', 'simulation.months_ahead', 'simulation.as_of_month') }} as date) as month
    from {{ ref('int_arr_mix_simulation') }} as simulation
    cross join {{ ref('int_data_day') }} as data_day
    where simulation.as_of_month < data_day.last_closed_month and simulation.months_ahead > 0
),

by_band as (
    select
        as_of,
        band,
        customers,
        arr_usd,
        target_customers,
        case when customers >= target_customers then 1 else 0 end as has_target
    from {{ ref('rpt_arr_mix_progress') }}

    union all

    select
        as_of,
        'mix' as band,
        sum(customers) as customers,
        sum(arr_usd) as arr_usd,
        sum(target_customers) as target_customers,
        min(case when customers >= target_customers then 1 else 0 end) as has_target
    from {{ ref('rpt_arr_mix_progress') }}
    where target_customers > 0
    group by as_of
),

{#- In two months in a row, as the simulation counts it. -#}
held as (
    select
        as_of,
        band,
        has_target * coalesce(lag(has_target) over (partition by band order by as_of), 0) as is_held
    from by_band
),

met as (
    select projected.as_of, projected.month, projected.band, max(held.is_held) = 1 as is_met_by_month
    from projected
    inner join held
        on projected.band = held.band
        and held.as_of >= projected.as_of
        and held.as_of <= {{ month_end('projected.month') }}
    group by projected.as_of, projected.month, projected.band
)

select
    projected.as_of,
    projected.months_ahead,
    projected.month,
    projected.band,
    projected.customers_p10,
    projected.customers_p50,
    projected.customers_p90,
    cast(actual.customers as int) as customers_actual,
    actual.customers between projected.customers_p10 and projected.customers_p90 as is_customers_covered,
    projected.arr_usd_p10,
    projected.arr_usd_p50,
    projected.arr_usd_p90,
    {{ usd('actual.arr_usd') }} as arr_usd_actual,
    actual.arr_usd between projected.arr_usd_p10 and projected.arr_usd_p90 as is_arr_covered,
    projected.customers_naive,
    projected.arr_usd_naive,
    cast(case when actual.target_customers > 0 then projected.share_met end as decimal(5, 4)) as probability_met_by_month,
    case when actual.target_customers > 0 then met.is_met_by_month end as is_met_by_month
from projected
inner join by_band as actual
    on projected.band = actual.band
    and actual.as_of = {{ month_end('projected.month') }}
left join met
    on projected.as_of = met.as_of
    and projected.month = met.month
    and projected.band = met.band

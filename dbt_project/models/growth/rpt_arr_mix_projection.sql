{#- From the month after the last closed one to the target's, and on to the month in which half of the paths have met
    the mix or, if that is none, to the horizon. Without a simulation the months are there and their figures unknown. -#}
with calendar as (
    {{ calendar('month') | indent(4) }}
),

simulation as (
    select
        simulation.band,
        simulation.months_ahead,
        simulation.share_met,
        simulation.customers_p10,
        simulation.customers_p50,
        simulation.customers_p90,
        simulation.customers_mean,
        simulation.arr_usd_p10,
        simulation.arr_usd_p50,
        simulation.arr_usd_p90,
        simulation.arr_usd_mean,
        simulation.customers_naive,
        simulation.arr_usd_naive,
        simulation.is_pace_unusual,
        cast({{ dbt.dateadd('month', 'simulation.months_ahead', 'simulation.as_of_month') }} as date) as month
    from {{ ref('int_arr_mix_simulation') }} as simulation
    inner join {{ ref('int_data_day') }} as data_day on simulation.as_of_month = data_day.last_closed_month
    where simulation.prices = 'as_billed'
),

prospects as (
    select
        goals.band,
        goals.target_customers,
        goals.target_arr_usd,
        goals.target_month,
        data_day.as_of_date,
        data_day.last_closed_month,
        min(case when simulation.share_met >= 0.5 then simulation.month end) as met_month,
        max(case when simulation.month = goals.target_month then simulation.share_met end) as share_met_in_time,
        count(simulation.months_ahead) > 0 as is_simulated
    from {{ ref('int_arr_mix_goals') }} as goals
    cross join {{ ref('int_data_day') }} as data_day
    left join simulation on goals.band = simulation.band
    group by
        goals.band, goals.target_customers, goals.target_arr_usd, goals.target_month, data_day.as_of_date,
        data_day.last_closed_month
),

last_months as (
    select
        case
            when not is_simulated or met_month < target_month then target_month
            when met_month is not null then met_month
            else {{ dbt.dateadd('month', 'cast(' ~ threshold('projection_horizon_months') ~ ' as int)', 'last_closed_month') }}
        end as last_month
    from prospects
    where band = 'mix'
),

months as (
    select
        prospects.*,
        calendar.month
    from prospects
    cross join last_months
    inner join calendar
        on calendar.month > prospects.last_closed_month
        and calendar.month <= last_months.last_month
),

judged as (
    select
        band,
        avg(case when is_customers_covered then 1.0 else 0.0 end) as customers_coverage,
        avg(case when is_arr_covered then 1.0 else 0.0 end) as arr_coverage
    from {{ ref('rpt_arr_mix_projection_accuracy') }}
    group by band
)

select
    months.as_of_date as as_of,
    months.month,
    months.band,
    months.target_customers,
    simulation.customers_p10,
    simulation.customers_p50,
    simulation.customers_p90,
    cast(simulation.customers_mean as decimal(24, 4)) as customers_mean,
    months.target_arr_usd,
    cast(simulation.arr_usd_p10 as decimal(28, 2)) as arr_usd_p10,
    cast(simulation.arr_usd_p50 as decimal(28, 2)) as arr_usd_p50,
    cast(simulation.arr_usd_p90 as decimal(28, 2)) as arr_usd_p90,
    cast(simulation.arr_usd_mean as decimal(28, 2)) as arr_usd_mean,
    cast(case when months.target_customers > 0 then simulation.share_met end as decimal(5, 4)) as probability_met_by_month,
    cast(case when months.target_customers > 0 then months.share_met_in_time end as decimal(5, 4)) as probability_in_time,
    case when months.target_customers > 0 then months.met_month end as met_month,
    case
        when months.target_customers = 0 then 'no target'
        when not months.is_simulated then 'unknown'
        when months.met_month is null then 'not within horizon'
        when months.met_month <= months.last_closed_month then 'met'
        when months.met_month <= months.target_month then 'in time'
        else 'late'
    end as outlook,
    cast(judged.customers_coverage as decimal(5, 4)) as customers_coverage,
    cast(judged.arr_coverage as decimal(5, 4)) as arr_coverage,
    simulation.customers_naive,
    cast(simulation.arr_usd_naive as decimal(28, 2)) as arr_usd_naive,
    simulation.is_pace_unusual
from months
left join simulation
    on months.band = simulation.band
    and months.month = simulation.month
left join judged on months.band = judged.band

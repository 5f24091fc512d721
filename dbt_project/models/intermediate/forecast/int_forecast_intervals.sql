{#- How far the forecasts of periods that had closed before a month began were from the bills, by how much of the period
    was over and by the size of the forecast: what intervals of that month's forecasts are made of. -#}
with months as (
    select distinct {{ month_of('accounts.as_of_date') }} as month
    from {{ ref('int_account_days') }} as accounts
),

errors as (
    select
        forecasts.period_end,
        forecasts.account_organization_id,
        forecasts.as_of_date,
        {{ elapsed_thirtieths('forecasts.day_of_period', 'forecasts.period_days') }} as elapsed_thirtieths,
        tiers.tier as size_tier,
        cast(
            {{ estimate('bills.bill_usd') }} / {{ estimate('forecasts.forecast_bill_usd') }} as decimal(28, 6)
        ) as factor
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_closed_bills') }} as bills
        on forecasts.account_organization_id = bills.account_organization_id
        and forecasts.period_start = bills.period_start
        and forecasts.period_end = bills.period_end
    inner join {{ ref('int_size_tiers') }} as tiers
        on {{ arr_usd_year('forecasts.forecast_bill_usd') }} >= tiers.arr_from_usd_year
        and {{ arr_usd_year('forecasts.forecast_bill_usd') }} < tiers.arr_below_usd_year
    where forecasts.forecast_bill_usd > 0
),

grouped as (
    select period_end, account_organization_id, as_of_date, elapsed_thirtieths, size_tier, factor
    from errors

    union all

    select period_end, account_organization_id, as_of_date, elapsed_thirtieths, 'all' as size_tier, factor
    from errors
),

ranked as (
    select
        months.month,
        grouped.elapsed_thirtieths,
        grouped.size_tier,
        grouped.factor,
        row_number() over (
            partition by months.month, grouped.elapsed_thirtieths, grouped.size_tier
            order by grouped.factor, grouped.account_organization_id, grouped.as_of_date
        ) as factor_rank,
        count(*) over (partition by months.month, grouped.elapsed_thirtieths, grouped.size_tier) as periods
    from months
    inner join grouped
        on grouped.period_end <= months.month
        and grouped.period_end
        > {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('interval_history_months') ~ ' as int)', 'months.month') }}
)

select
    month,
    elapsed_thirtieths,
    size_tier,
    max(case
        when factor_rank <= greatest(floor((periods + 1) * (1 - {{ threshold('interval_coverage') }}) * 0.5), 1) then factor
    end) as low_factor,
    min(case
        when factor_rank >= least(ceil((periods + 1) * (1 + {{ threshold('interval_coverage') }}) * 0.5), periods) then factor
    end) as high_factor
from ranked
where periods >= {{ threshold('interval_min_periods') }}
group by month, elapsed_thirtieths, size_tier

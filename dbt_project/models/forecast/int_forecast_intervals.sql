{#- How far the forecasts of periods that had closed before a month began were from the bills, by how much of the period
    was over and by the size of the forecast: what intervals of that month's forecasts are made of. An account counts
    once for the periods that end in one month, with their mean, so that its short or long periods do not stand for
    everybody's; as one of many, it moves a bound by one rank a month of the history. -#}
{%- set mean_factor -%}
    cast({{ divide_half_up('cast(sum(factor) * 1000000 as decimal(38, 0))', 'count(*)', 'decimal(31, 0)') }} * 0.000001 as decimal(28, 6))
{%- endset -%}

with months as (
    select distinct {{ month_of('accounts.as_of_date') }} as month
    from {{ ref('int_account_days') }} as accounts
),

looked_at as (
    select
        {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('interval_history_months') ~ ' as int)', 'min(month)') }} as after_day,
        max(month) as last_day
    from months
),

errors as (
    select
        forecasts.account_organization_id,
        {{ month_of(dbt.dateadd('day', -1, 'forecasts.period_end')) }} as last_month,
        {{ elapsed_thirtieths('forecasts.day_of_period', 'forecasts.period_days') }} as elapsed_thirtieths,
        tiers.tier as size_tier,
        cast(
            {{ estimate('bills.bill_usd') }} / {{ estimate('forecasts.forecast_bill_usd') }} as decimal(28, 6)
        ) as factor
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join looked_at
        on forecasts.period_end > looked_at.after_day
        and forecasts.period_end <= looked_at.last_day
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
    select last_month, elapsed_thirtieths, size_tier, {{ mean_factor }} as factor
    from errors
    group by account_organization_id, last_month, elapsed_thirtieths, size_tier

    union all

    select last_month, elapsed_thirtieths, 'all' as size_tier, {{ mean_factor }} as factor
    from errors
    group by account_organization_id, last_month, elapsed_thirtieths
),

ranked as (
    select
        months.month,
        grouped.elapsed_thirtieths,
        grouped.size_tier,
        grouped.factor,
        row_number() over (
            partition by months.month, grouped.elapsed_thirtieths, grouped.size_tier
            order by grouped.factor
        ) as factor_rank
    from months
    inner join grouped
        on grouped.last_month < months.month
        and grouped.last_month
        >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('interval_history_months') ~ ' as int)', 'months.month') }}
),

counted as (
    select month, elapsed_thirtieths, size_tier, max(factor_rank) as periods
    from ranked
    group by month, elapsed_thirtieths, size_tier
),

bounds as (
    select
        month,
        elapsed_thirtieths,
        size_tier,
        cast(greatest(
            floor((periods + 1) * (1 - {{ threshold('interval_coverage') }}) * 0.5), 1
        ) as bigint) as low_rank,
        cast(least(
            ceil((periods + 1) * (1 + {{ threshold('interval_coverage') }}) * 0.5), periods
        ) as bigint) as high_rank
    from counted
    where periods >= {{ threshold('interval_min_periods') }}
)

select
    bounds.month,
    bounds.elapsed_thirtieths,
    bounds.size_tier,
    low.factor as low_factor,
    high.factor as high_factor
from bounds
inner join ranked as low
    on bounds.month = low.month
    and bounds.elapsed_thirtieths = low.elapsed_thirtieths
    and bounds.size_tier = low.size_tier
    and bounds.low_rank = low.factor_rank
inner join ranked as high
    on bounds.month = high.month
    and bounds.elapsed_thirtieths = high.elapsed_thirtieths
    and bounds.size_tier = high.size_tier
    and bounds.high_rank = high.factor_rank

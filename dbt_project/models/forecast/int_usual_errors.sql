{#- How far off the forecast of an account usually is in a fifth of a period: the mean error of the account's periods that
    closed in the year before this one, mixed with that of all accounts of its size tier, which counts like
    `usual_error_prior_periods` of its own. A forecast of nothing that never was wrong is certain. A day that was not
    reported is as uncertain as `missing_day_weight` days to come, which are taken off those of the period that are over. Nor
    is it known how an account goes through its first year's end: its error is then `year_end_error_factor` times as large.
    Of the days to build, and of a year before the first month whose intervals have to be made. -#}
{%- set certain_days = 'greatest(forecasts.day_of_period - cast(' ~ threshold('missing_day_weight') ~ ' as int) * forecasts.missing_days, 0)' -%}
{%- set months_before = 'cast(' ~ threshold('interval_history_months') ~ ' as int)' -%}

with days as (
    select
        forecasts.account_organization_id,
        forecasts.as_of_date,
        forecasts.period_start,
        {{ month_of('forecasts.period_start') }} as month,
        cast({{ dbt.dateadd('month', '-1 * ' ~ months_before, 'forecasts.period_start') }} as date) as learned_from,
        {{ elapsed_thirtieths(certain_days, 'forecasts.period_days') }} as elapsed_thirtieths,
        {{ elapsed_fifths(certain_days, 'forecasts.period_days') }} as elapsed_fifths,
        tiers.tier as size_tier,
        forecasts.forecast_bill_usd = forecasts.fixed_usd as is_nothing
    from {{ ref('int_bill_forecasts') }} as forecasts
    cross join {{ ref('int_days_to_build') }} as to_build
    inner join {{ ref('int_size_tiers') }} as tiers
        on {{ arr_usd_year('forecasts.forecast_bill_usd') }} >= tiers.arr_from_usd_year
        and {{ arr_usd_year('forecasts.forecast_bill_usd') }} < tiers.arr_below_usd_year
    where
        forecasts.day_of_period - forecasts.missing_days < forecasts.period_days
        and (
            forecasts.period_end > {{ dbt.dateadd('month', '-1 * ' ~ months_before, first_month_of_intervals_to_make()) }}
            or (forecasts.as_of_date >= to_build.first_day and forecasts.as_of_date <= to_build.last_day)
        )
),

errors as (
    select
        account_organization_id,
        period_start,
        closed_on,
        elapsed_fifths,
        {{ mean_of('abs(error)', 9) }} as error
    from {{ ref('int_forecast_errors') }}
    group by account_organization_id, period_start, closed_on, elapsed_fifths
),

own as (
    select
        asked.account_organization_id,
        asked.period_start,
        asked.elapsed_fifths,
        count(*) as periods,
        max(case
            when abs({{ dbt.datediff('errors.period_start', 'asked.period_start', 'day') }} - 365) <= 6 then 1 else 0
        end) = 1 as knows_a_year_before,
        {{ mean_of('errors.error', 9) }} as error
    from (select distinct account_organization_id, period_start, elapsed_fifths, learned_from from days) as asked
    inner join errors
        on asked.account_organization_id = errors.account_organization_id
        and asked.elapsed_fifths = errors.elapsed_fifths
        and errors.closed_on < asked.period_start
        and errors.closed_on >= asked.learned_from
    group by asked.account_organization_id, asked.period_start, asked.elapsed_fifths
),

by_month as (
    select
        {{ month_of('closed_on') }} as month,
        elapsed_fifths,
        size_tier,
        count(*) as forecasts,
        sum(abs(error)) as error
    from {{ ref('int_forecast_errors') }}
    group by {{ month_of('closed_on') }}, elapsed_fifths, size_tier
),

of_tier as (
    select
        asked.month,
        by_month.elapsed_fifths,
        by_month.size_tier,
        {{ estimate('sum(by_month.error)') }} / sum(by_month.forecasts) as error
    from (select distinct month from days) as asked
    inner join by_month
        on by_month.month < asked.month
        and by_month.month >= {{ dbt.dateadd('month', '-1 * ' ~ months_before, 'asked.month') }}
    group by asked.month, by_month.elapsed_fifths, by_month.size_tier
)

select
    days.account_organization_id,
    days.as_of_date,
    days.elapsed_thirtieths,
    case
        when own.periods is null then 'new'
        when own.error < of_tier.error then 'calm'
        else 'restless'
    end as temper,
    cast(
        case
            when days.is_nothing and own.error = 0 then 0
            else case
                when extract(month from days.period_start) = 12 and not coalesce(own.knows_a_year_before, false)
                    then year_end_error_factor else 1
            end * (
                coalesce({{ estimate('own.error') }} * own.periods, 0)
                + usual_error_prior_periods * {{ estimate('coalesce(of_tier.error, own.error)') }}
            ) / (coalesce(own.periods, 0) + usual_error_prior_periods) + 0.0001
        end as decimal(12, 9)
    ) as usual_error
from days
left join own
    on days.account_organization_id = own.account_organization_id
    and days.period_start = own.period_start
    and days.elapsed_fifths = own.elapsed_fifths
left join of_tier
    on days.month = of_tier.month
    and days.elapsed_fifths = of_tier.elapsed_fifths
    and days.size_tier = of_tier.size_tier
cross join {{ thresholds_to_estimate_with(['usual_error_prior_periods', 'year_end_error_factor']) }} as thresholds
where own.error is not null or of_tier.error is not null

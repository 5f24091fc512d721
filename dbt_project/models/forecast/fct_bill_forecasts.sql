{#- The interval is what bills were to forecasts of this size as late in their period, else of any size; while too few
    periods have closed, a seeded factor each way for what is left of the period. A bill below zero is a limit below zero. -#}
{{ built_by_days('as_of_date') }}

with bounds as (
    select
        forecasts.account_organization_id,
        forecasts.as_of_date,
        coalesce(
            of_size.low_factor,
            of_any.low_factor,
            1 - (1 - 1 / {{ estimate(threshold('interval_default_factor')) }})
            * (forecasts.period_days - forecasts.day_of_period) / forecasts.period_days
        ) as low_factor,
        coalesce(
            of_size.high_factor,
            of_any.high_factor,
            1 + ({{ estimate(threshold('interval_default_factor')) }} - 1)
            * (forecasts.period_days - forecasts.day_of_period) / forecasts.period_days
        ) as high_factor
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_days_to_build') }} as days
        on forecasts.as_of_date >= days.first_day
        and forecasts.as_of_date <= days.last_day
    left join {{ ref('int_size_tiers') }} as tiers
        on {{ arr_usd_year('forecasts.forecast_bill_usd') }} >= tiers.arr_from_usd_year
        and {{ arr_usd_year('forecasts.forecast_bill_usd') }} < tiers.arr_below_usd_year
    left join {{ ref('int_forecast_intervals') }} as of_size
        on {{ month_of('forecasts.as_of_date') }} = of_size.month
        and {{ elapsed_thirtieths('forecasts.day_of_period', 'forecasts.period_days') }} = of_size.elapsed_thirtieths
        and tiers.tier = of_size.size_tier
    left join {{ ref('int_forecast_intervals') }} as of_any
        on {{ month_of('forecasts.as_of_date') }} = of_any.month
        and {{ elapsed_thirtieths('forecasts.day_of_period', 'forecasts.period_days') }} = of_any.elapsed_thirtieths
        and of_any.size_tier = 'all'
)

select
    forecasts.account_organization_id as organization_id,
    forecasts.period_start,
    forecasts.period_end,
    forecasts.amount_to_date_usd,
    forecasts.forecast_list_usd,
    forecasts.forecast_after_discount_usd,
    forecasts.forecast_bill_usd,
    forecasts.forecast_payable_usd,
    case
        when forecasts.forecast_bill_usd < 0 then forecasts.forecast_bill_usd
        else greatest(
            forecasts.amount_to_date_usd,
            {{ usd('forecasts.forecast_bill_usd * least(' ~ estimate('bounds.low_factor') ~ ', 1)') }}
        )
    end as forecast_low_usd,
    case
        when forecasts.forecast_bill_usd < 0 then forecasts.forecast_bill_usd
        else {{ usd('forecasts.forecast_bill_usd * greatest(' ~ estimate('bounds.high_factor') ~ ', 1)') }}
    end as forecast_high_usd,
    forecasts.published_rule_usd,
    case when forecasts.missing_days > 0 then 'usage_with_missing_days' else 'usage' end as method,
    forecasts.missing_days,
    forecasts.as_of_date
from {{ ref('int_bill_forecasts') }} as forecasts
inner join bounds
    on forecasts.account_organization_id = bounds.account_organization_id
    and forecasts.as_of_date = bounds.as_of_date

{#- The interval is the forecast with as many times the account's usual error as bills were off in accounts of its temper,
    else in all; while too few periods have closed, a seeded factor each way for what is left of the period. What is certain
    bounds it: what was used so far, what is fixed, and the spend limits. A bill below zero is a limit below zero. -#}
{{ built_by_days('as_of_date') }}

with multiples as (
    select
        forecasts.account_organization_id,
        forecasts.as_of_date,
        coalesce(of_temper.low_multiple, of_all.low_multiple) * {{ estimate('usual.usual_error') }} as low_error,
        coalesce(of_temper.high_multiple, of_all.high_multiple) * {{ estimate('usual.usual_error') }} as high_error,
        ln({{ estimate(threshold('interval_default_factor')) }})
        * least(
            forecasts.period_days - forecasts.day_of_period
            + cast({{ threshold('missing_day_weight') }} as int) * forecasts.missing_days, forecasts.period_days
        ) / forecasts.period_days as default_error,
        {{ estimate('forecasts.forecast_bill_usd - forecasts.fixed_usd') }} as open_usd,
        {{ estimate('forecasts.forecast_bill_usd - forecasts.fixed_usd - forecasts.limited_usd') }} as unlimited_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_days_to_build') }} as days
        on forecasts.as_of_date >= days.first_day
        and forecasts.as_of_date <= days.last_day
    left join {{ ref('int_usual_errors') }} as usual
        on forecasts.account_organization_id = usual.account_organization_id
        and forecasts.as_of_date = usual.as_of_date
    left join {{ ref('int_forecast_intervals') }} as of_temper
        on {{ month_of('forecasts.as_of_date') }} = of_temper.month
        and usual.elapsed_thirtieths = of_temper.elapsed_thirtieths
        and usual.temper = of_temper.temper
    left join {{ ref('int_forecast_intervals') }} as of_all
        on {{ month_of('forecasts.as_of_date') }} = of_all.month
        and usual.elapsed_thirtieths = of_all.elapsed_thirtieths
        and of_all.temper = 'all'
),

bounds as (
    select
        account_organization_id,
        as_of_date,
        (greatest(open_usd, 0) + 1) * exp(coalesce(low_error, -1 * default_error)) - 1 as low_usd,
        (greatest(open_usd, 0) + 1) * exp(least(coalesce(high_error, default_error), 12)) - 1 as high_usd,
        (greatest(unlimited_usd, 0) + 1) * exp(least(coalesce(high_error, default_error), 12)) - 1 as high_unlimited_usd
    from multiples
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
        else least(
            forecasts.forecast_bill_usd,
            greatest(forecasts.amount_to_date_usd, {{ usd('forecasts.fixed_usd + bounds.low_usd') }})
        )
    end as forecast_low_usd,
    case
        when forecasts.forecast_bill_usd < 0 then forecasts.forecast_bill_usd
        else greatest(
            forecasts.forecast_bill_usd,
            {{ usd(
                'forecasts.fixed_usd + least(bounds.high_usd, forecasts.limits_usd'
                ~ ' + case when forecasts.has_product_without_limit then bounds.high_unlimited_usd else 0 end)'
            ) }}
        )
    end as forecast_high_usd,
    forecasts.published_rule_usd,
    case when forecasts.missing_days > 0 then 'usage_with_missing_days' else 'usage' end as method,
    forecasts.missing_days,
    forecasts.as_of_date
from {{ ref('int_bill_forecasts') }} as forecasts
inner join bounds
    on forecasts.account_organization_id = bounds.account_organization_id
    and forecasts.as_of_date = bounds.as_of_date

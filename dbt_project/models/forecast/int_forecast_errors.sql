{#- How far forecasts of periods that have closed were from the bill: the logarithm of one by the other, without what is
    fixed, so that twice as much and half as much are equally far. A dollar is added to both: it means nothing to a bill
    that matters, and a forecast of nothing has an error too. A later day that was never reported counts in both as
    expected, so it is taken off the days that were left. Built by the day on which the period closed. -#}
{{ built_by_days('closed_on') }}
{%- set known_days = '(of_closed.day_of_period + of_closed.closed_missing_days - of_closed.missing_days)' -%}

{#- Before their size is looked up: of all forecasts, those of a day's closed periods are few. -#}
with of_closed as {{ computed_once() }} (
    select
        forecasts.account_organization_id,
        forecasts.as_of_date,
        forecasts.period_start,
        forecasts.period_days,
        forecasts.day_of_period,
        forecasts.missing_days,
        forecasts.fixed_usd,
        forecasts.forecast_bill_usd,
        closed.as_of_date as closed_on,
        closed.missing_days as closed_missing_days,
        closed.forecast_bill_usd as closed_bill_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_bill_forecasts') }} as closed
        on forecasts.account_organization_id = closed.account_organization_id
        and forecasts.period_start = closed.period_start
        and forecasts.period_end = closed.period_end
        and closed.day_of_period = closed.period_days
    inner join {{ ref('int_days_to_build') }} as days
        on closed.as_of_date >= days.first_day
        and closed.as_of_date <= days.last_day
    where forecasts.forecast_bill_usd >= 0
)

select
    of_closed.account_organization_id,
    of_closed.as_of_date,
    of_closed.period_start,
    {{ elapsed_thirtieths(known_days, 'of_closed.period_days') }} as elapsed_thirtieths,
    {{ elapsed_fifths(known_days, 'of_closed.period_days') }} as elapsed_fifths,
    tiers.tier as size_tier,
    cast(ln(
        ({{ estimate('greatest(of_closed.closed_bill_usd - of_closed.fixed_usd, 0)') }} + 1)
        / ({{ estimate('greatest(of_closed.forecast_bill_usd - of_closed.fixed_usd, 0)') }} + 1)
    ) as decimal(12, 9)) as error,
    of_closed.closed_on
from of_closed
inner join {{ ref('int_size_tiers') }} as tiers
    on {{ arr_usd_year('of_closed.forecast_bill_usd') }} >= tiers.arr_from_usd_year
    and {{ arr_usd_year('of_closed.forecast_bill_usd') }} < tiers.arr_below_usd_year
where {{ known_days }} < of_closed.period_days

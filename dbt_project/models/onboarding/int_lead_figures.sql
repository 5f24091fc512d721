{{ config(materialized='view') }}

{#- What the rules about a first bill and about startup credit compare with their thresholds. -#}
with forecasts as (
    select
        forecasts.customer_id,
        forecasts.as_of_date,
        forecasts.startup_program,
        forecasts.forecast_bill_usd,
        forecasts.forecast_payable_usd,
        forecasts.credit_left_usd,
        programs.credit_usd,
        forecasts.is_on_trial,
        forecasts.has_paid,
        forecasts.is_owned
    from {{ ref('int_onboarding_forecasts') }} as forecasts
    left join {{ ref('startup_programs') }} as programs on forecasts.startup_program = programs.startup_program
)

select
    customer_id,
    as_of_date,
    'startup_credit_ends' as signal,
    cast({{ usd('sum(forecast_payable_usd)') }} as decimal(24, 4)) as figure,
    is_owned
from forecasts
where startup_program is not null
group by customer_id, as_of_date, is_owned

union all

select
    customer_id,
    as_of_date,
    'first_bill',
    cast({{ usd('sum(forecast_payable_usd)') }} as decimal(24, 4)),
    is_owned
from forecasts
where not is_on_trial and not has_paid
group by customer_id, as_of_date, is_owned

union all

select
    customer_id,
    as_of_date,
    'startup_credit_used',
    cast({{ percent_of_millionths(divide_half_up(
        '100000000 * (sum(credit_usd) - sum(credit_left_usd))', '100 * sum(credit_usd)'
    )) }} as decimal(24, 4)),
    is_owned
from forecasts
where credit_usd > 0
group by customer_id, as_of_date, is_owned
having sum(forecast_bill_usd) >= {{ threshold('lead_credit_bill_usd_month') }}

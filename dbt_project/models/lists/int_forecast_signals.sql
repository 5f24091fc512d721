{#- Rules about forecasts, and since which of the last days they have fired without a break. -#}
with recent as (
    select
        forecasts.customer_id,
        forecasts.as_of_date,
        forecasts.startup_program,
        forecasts.forecast_bill_usd,
        forecasts.forecast_payable_usd,
        forecasts.credit_left_usd,
        programs.credit_usd,
        forecasts.is_on_trial,
        forecasts.has_paid
    from {{ ref('int_onboarding_forecasts') }} as forecasts
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('startup_programs') }} as programs on forecasts.startup_program = programs.startup_program
    where
        forecasts.as_of_date > {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('health_window_days') ~ ' as int)', 'data_day.as_of_date'
        ) }}
),

bills as (
    select
        members.customer_id,
        forecasts.as_of_date,
        sum(forecasts.forecast_bill_usd) as forecast_bill_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as members on forecasts.account_organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        forecasts.as_of_date > {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('health_window_days') ~ ' as int)', 'data_day.as_of_date'
        ) }}
    group by members.customer_id, forecasts.as_of_date
),

bill_changes as (
    select
        bills.customer_id,
        bills.as_of_date,
        {{ percent_of_millionths(
            change_millionths('bills.forecast_bill_usd', '1', 'monthly.mrr_usd_month', '1')
        ) }} as change_percent
    from bills
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('fct_mrr_monthly') }} as monthly
        on bills.customer_id = monthly.customer_id
        and monthly.month = data_day.last_closed_month
),

figures as (
    select customer_id, as_of_date, 'forecast_fall' as signal, -change_percent as figure
    from bill_changes

    union all

    select customer_id, as_of_date, 'forecast_growth', change_percent
    from bill_changes

    union all

    select customer_id, as_of_date, 'startup_credit_ends', {{ usd('sum(forecast_payable_usd)') }}
    from recent
    where startup_program is not null
    group by customer_id, as_of_date

    union all

    select customer_id, as_of_date, 'first_bill', {{ usd('sum(forecast_payable_usd)') }}
    from recent
    where not is_on_trial and not has_paid
    group by customer_id, as_of_date

    union all

    select
        customer_id,
        as_of_date,
        'startup_credit_used',
        {{ percent_of_millionths(divide_half_up(
            '100000000 * (sum(credit_usd) - sum(credit_left_usd))', '100 * sum(credit_usd)'
        )) }}
    from recent
    where credit_usd > 0
    group by customer_id, as_of_date
    having sum(forecast_bill_usd) >= {{ threshold('lead_credit_bill_usd_month') }}
),

fired as (
    select
        figures.customer_id,
        figures.signal,
        cast({{ dbt.datediff('figures.as_of_date', 'data_day.as_of_date', 'day') }} as int) as step,
        figures.as_of_date as day,
        cast(figures.figure as decimal(24, 4)) as figure
    from figures
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('account_signals') }} as signals
        on figures.signal = signals.signal
        and {{ fires('figures.figure') | indent(8) }}
)

{{ unbroken_since('fired', ['customer_id', 'signal']) }}

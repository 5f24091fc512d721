{#- Rules about forecasts, and since which of the last days they have fired without a break. -#}
with bills as (
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

    select figures.customer_id, figures.as_of_date, figures.signal, figures.figure
    from {{ ref('int_lead_figures') }} as figures
    cross join {{ ref('int_data_day') }} as data_day
    where
        figures.as_of_date > {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('health_window_days') ~ ' as int)', 'data_day.as_of_date'
        ) }}
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

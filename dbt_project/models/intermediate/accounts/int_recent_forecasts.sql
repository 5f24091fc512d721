{#- A customer's forecasts of the last weeks, its accounts added up, with what the MRR of the last closed month was. -#}
with forecasts as (
    select
        members.customer_id,
        forecasts.as_of_date,
        sum(forecasts.forecast_bill_usd) as forecast_bill_usd
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as members on forecasts.organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        forecasts.as_of_date > {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('health_window_days') ~ ' as int)', 'data_day.as_of_date'
        ) }}
    group by members.customer_id, forecasts.as_of_date
)

select
    forecasts.customer_id,
    forecasts.as_of_date,
    {{ usd('forecasts.forecast_bill_usd') }} as forecast_bill_usd,
    monthly.mrr_usd_month,
    {{ percent_of_millionths(
        change_millionths('forecasts.forecast_bill_usd', '1', 'monthly.mrr_usd_month', '1')
    ) }} as change_percent
from forecasts
cross join {{ ref('int_data_day') }} as data_day
inner join {{ ref('fct_mrr_monthly') }} as monthly
    on forecasts.customer_id = monthly.customer_id
    and monthly.month = data_day.last_closed_month

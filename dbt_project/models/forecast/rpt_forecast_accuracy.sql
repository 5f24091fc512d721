{#- Forecasts of periods that have closed, beside the bill. The onboarding line is judged by first bills alone: periods
    of accounts that had no bill worth counting before. -#}
with first_bills as (
    select account_organization_id, min(period_start) as period_start
    from {{ ref('int_closed_bills') }}
    where bill_usd > {{ threshold('accuracy_min_bill_usd') }}
    group by account_organization_id
),

forecasts as (
    select
        forecasts.organization_id,
        forecasts.period_start,
        forecasts.as_of_date,
        forecasts.forecast_bill_usd,
        forecasts.published_rule_usd,
        cast({{ dbt.datediff('forecasts.period_start', 'forecasts.as_of_date', 'day') }} + 1 as int) as day_of_period,
        cast({{ dbt.datediff('forecasts.as_of_date', 'forecasts.period_end', 'day') }} - 1 as int) as days_left,
        bills.bill_usd,
        bills.bill_usd > {{ threshold('accuracy_min_bill_usd') }} as is_counted,
        coalesce(forecasts.period_start <= first_bills.period_start, true) as is_first_bill,
        bills.bill_usd >= forecasts.forecast_low_usd and bills.bill_usd <= forecasts.forecast_high_usd as is_in_interval
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join {{ ref('int_closed_bills') }} as bills
        on forecasts.organization_id = bills.account_organization_id
        and forecasts.period_start = bills.period_start
        and forecasts.period_end = bills.period_end
    left join first_bills on forecasts.organization_id = first_bills.account_organization_id
),

judged as (
    select
        organization_id, period_start, day_of_period, days_left, bill_usd, is_counted, is_first_bill,
        'forecast' as method, forecast_bill_usd as forecast_usd, is_in_interval
    from forecasts

    union all

    select
        organization_id, period_start, day_of_period, days_left, bill_usd, is_counted, is_first_bill,
        'published_rule' as method, published_rule_usd as forecast_usd, cast(null as boolean) as is_in_interval
    from forecasts
),

measured as (
    select
        day_of_period,
        method,
        is_counted,
        bill_usd,
        forecast_usd,
        is_in_interval,
        case when is_counted then abs({{ estimate('forecast_usd') }} - {{ estimate('bill_usd') }}) / {{ estimate('bill_usd') }} end as error,
        is_first_bill and forecast_usd >= {{ threshold('onboarding_line_usd_month') }} as is_called,
        is_first_bill and bill_usd >= {{ threshold('onboarding_line_usd_month') }} as is_above,
        max(case when is_first_bill and forecast_usd >= {{ threshold('onboarding_line_usd_month') }} then days_left end) over (
            partition by organization_id, period_start, method
            order by day_of_period
            rows between unbounded preceding and current row
        ) as lead_days
    from judged
)

select
    day_of_period,
    method,
    cast(sum(case when is_counted then 1 else 0 end) as int) as n,
    cast(avg(cast(error as decimal(28, 9))) as decimal(24, 4)) as mean_absolute_percentage_error,
    cast(percentile_cont(0.5) within group (order by error) as decimal(24, 4)) as median_absolute_percentage_error,
    cast(
        {{ estimate('sum(case when is_counted then forecast_usd - bill_usd end)') }}
        / {{ estimate('sum(case when is_counted then bill_usd end)') }} as decimal(24, 4)
    ) as bias,
    cast(avg(case when is_counted and is_in_interval then 1 when is_counted and not is_in_interval then 0 end) as decimal(9, 4)) as interval_coverage,
    cast(avg(case when is_called and is_above then 1 when is_called then 0 end) as decimal(9, 4)) as line_precision,
    cast(avg(case when is_called and is_above then 1 when is_above then 0 end) as decimal(9, 4)) as line_recall,
    cast(avg(case when is_above then lead_days end) as decimal(9, 2)) as line_lead_days
from measured
group by day_of_period, method
having sum(case when is_counted then 1 else 0 end) > 0

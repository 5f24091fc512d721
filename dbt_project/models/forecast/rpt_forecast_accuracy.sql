{#- How far forecasts were from bills. The onboarding line is judged by first bills alone. -#}
with measured as (
    select
        day_of_period,
        method,
        is_counted,
        bill_usd,
        forecast_usd,
        is_in_interval,
        error,
        interval_width,
        is_first_bill and forecast_usd >= {{ threshold('onboarding_line_usd_month') }} as is_called,
        is_first_bill and bill_usd >= {{ threshold('onboarding_line_usd_month') }} as is_above,
        lead_days
    from {{ ref('int_judged_forecasts') }}
)

select
    day_of_period,
    method,
    cast(sum(case when is_counted then 1 else 0 end) as int) as n,
    cast(avg(cast(error as decimal(28, 9))) as decimal(24, 4)) as mean_absolute_percentage_error,
    cast(percentile_cont(0.5) within group (order by error) as decimal(24, 4)) as median_absolute_percentage_error,
    cast(
        {{ estimate('sum(case when is_counted then abs(forecast_usd - bill_usd) end)') }}
        / {{ estimate('sum(case when is_counted then bill_usd end)') }} as decimal(24, 4)
    ) as weighted_absolute_percentage_error,
    cast(
        {{ estimate('sum(case when is_counted then forecast_usd - bill_usd end)') }}
        / {{ estimate('sum(case when is_counted then bill_usd end)') }} as decimal(24, 4)
    ) as bias,
    cast(avg(case when is_counted and is_in_interval then 1 when is_counted and not is_in_interval then 0 end) as decimal(9, 4)) as interval_coverage,
    cast(percentile_cont(0.5) within group (order by interval_width) as decimal(24, 4)) as median_interval_width,
    cast(avg(case when is_called and is_above then 1 when is_called then 0 end) as decimal(9, 4)) as line_precision,
    cast(avg(case when is_called and is_above then 1 when is_above then 0 end) as decimal(9, 4)) as line_recall,
    cast(avg(case when is_above then lead_days end) as decimal(9, 2)) as line_lead_days
from measured
group by day_of_period, method
having sum(case when is_counted then 1 else 0 end) > 0

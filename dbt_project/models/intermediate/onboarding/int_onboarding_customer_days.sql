{#- What a customer's forecast says on a day, whatever happened before: whether it would enter the onboarding queue, and
    whether it would leave it. Accounts of one customer are added up; the largest bill's says when it renews. -#}
with ranked as (
    select
        forecasts.customer_id,
        forecasts.as_of_date,
        forecasts.organization_id,
        forecasts.period_end,
        forecasts.startup_program,
        forecasts.rolloff_in_days,
        forecasts.has_paid,
        forecasts.is_owned,
        sum(forecasts.forecast_bill_usd) over (
            partition by forecasts.customer_id, forecasts.as_of_date
        ) as bill_usd,
        sum(forecasts.forecast_payable_usd) over (
            partition by forecasts.customer_id, forecasts.as_of_date
        ) as payable_usd,
        row_number() over (
            partition by forecasts.customer_id, forecasts.as_of_date
            order by forecasts.forecast_bill_usd desc, forecasts.organization_id
        ) as account_rank
    from {{ ref('int_onboarding_forecasts') }} as forecasts
    left join {{ ref('int_paid_bills') }} as last_bill
        on forecasts.customer_id = last_bill.customer_id
        and last_bill.bill_number = {{ threshold('bills_to_graduate') }}
    where
        not forecasts.is_on_trial
        and coalesce(forecasts.as_of_date <= last_bill.paid_on, true)
),

days as (
    select
        customer_id,
        as_of_date,
        organization_id,
        period_end,
        startup_program,
        rolloff_in_days,
        has_paid,
        is_owned,
        {{ usd('bill_usd') }} as bill_usd,
        {{ usd('payable_usd') }} as payable_usd,
        {{ usd('case when startup_program is not null then bill_usd else payable_usd end') }} as queue_forecast_usd,
        as_of_date = {{ dbt.dateadd('day', -1, 'period_end') }} as is_last_day,
        max(case when payable_usd >= {{ threshold('sales_line_usd_month') }} then 1 else 0 end) over (
            partition by customer_id, period_end
            order by as_of_date
            rows between unbounded preceding and current row
        ) = 1 as is_above_in_period
    from ranked
    where account_rank = 1
)

select
    customer_id,
    as_of_date,
    organization_id,
    period_end,
    queue_forecast_usd,
    is_above_in_period,
    case
        when is_owned or has_paid or is_above_in_period then null
        when
            startup_program is not null
            and rolloff_in_days <= {{ threshold('startup_rolloff_days') }}
            and bill_usd >= {{ threshold('onboarding_line_usd_month') }}
            and bill_usd <= {{ threshold('startup_first_bill_max_usd_month') }}
            then 'startup_rolloff'
        when startup_program is not null and bill_usd > {{ threshold('startup_first_bill_max_usd_month') }}
            then 'startup_credit_use'
        when payable_usd >= {{ threshold('onboarding_line_usd_month') }} then 'first_bill'
    end as entry_reason,
    case
        when payable_usd >= {{ threshold('sales_line_usd_month') }} then 'outgrown'
        when is_last_day and not has_paid and queue_forecast_usd < {{ threshold('onboarding_line_usd_month') }}
            then 'faded'
    end as exit_reason
from days

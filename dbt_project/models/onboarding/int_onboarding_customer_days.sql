{#- By its forecast alone, whether a customer would enter or leave the onboarding queue on a day. Its accounts are
    added up but for those on trial, and the one with the largest bill says when it renews. A customer that reaches the
    sales line counts as above it until that period ends, or the account begins another one. On a startup plan the bill
    counts before credit. -#}
with periods as (
    select
        organization_id,
        period_start,
        period_end,
        max(coalesce(next_date, period_end)) as next_begins_on
    from (
        select
            organization_id,
            period_start,
            period_end,
            lead(as_of_date) over (partition by organization_id order by as_of_date) as next_date
        from {{ ref('int_onboarding_forecasts') }}
    ) as days
    group by organization_id, period_start, period_end
),

ranked as (
    select
        customer_id,
        as_of_date,
        organization_id,
        period_start,
        period_end,
        has_paid,
        is_owned,
        sum(forecast_bill_usd) over customer_day as bill_usd,
        sum(forecast_payable_usd) over customer_day as payable_usd,
        sum(
            case when startup_program is null then forecast_payable_usd else forecast_bill_usd end
        ) over customer_day as queue_forecast_usd,
        max(case when startup_program is null then 0 else 1 end) over customer_day = 1 as is_startup,
        min(rolloff_in_days) over customer_day as rolloff_in_days,
        row_number() over (
            partition by customer_id, as_of_date
            order by forecast_bill_usd desc, organization_id
        ) as account_rank
    from {{ ref('int_onboarding_forecasts') }}
    where not is_on_trial
    window customer_day as (partition by customer_id, as_of_date)
),

days as (
    select
        ranked.customer_id,
        ranked.as_of_date,
        ranked.organization_id,
        ranked.period_start,
        ranked.period_end,
        ranked.has_paid,
        ranked.is_owned,
        ranked.is_startup,
        ranked.rolloff_in_days,
        {{ usd('ranked.bill_usd') }} as bill_usd,
        {{ usd('ranked.payable_usd') }} as payable_usd,
        {{ usd('ranked.queue_forecast_usd') }} as queue_forecast_usd,
        ranked.as_of_date = {{ dbt.dateadd('day', -1, 'ranked.period_end') }} as is_last_day,
        coalesce(
            max(
                case
                    when ranked.payable_usd >= {{ threshold('sales_line_usd_month') }}
                        then least(ranked.period_end, coalesce(periods.next_begins_on, ranked.period_end))
                end
            ) over (
                partition by ranked.customer_id
                order by ranked.as_of_date
                rows between unbounded preceding and current row
            ) > ranked.as_of_date,
            false
        ) as is_above_in_period
    from ranked
    left join periods
        on ranked.organization_id = periods.organization_id
        and ranked.period_start = periods.period_start
        and ranked.period_end = periods.period_end
    where ranked.account_rank = 1
)

select
    customer_id,
    as_of_date,
    organization_id,
    period_start,
    period_end,
    bill_usd,
    payable_usd,
    queue_forecast_usd,
    is_above_in_period,
    case
        when is_owned or has_paid or is_above_in_period then null
        when
            is_startup
            and rolloff_in_days <= {{ threshold('startup_rolloff_days') }}
            and queue_forecast_usd >= {{ threshold('onboarding_line_usd_month') }}
            and queue_forecast_usd <= {{ threshold('startup_first_bill_max_usd_month') }}
            then 'startup_rolloff'
        when is_startup and queue_forecast_usd > {{ threshold('startup_first_bill_max_usd_month') }}
            then 'startup_credit_use'
        when payable_usd >= {{ threshold('onboarding_line_usd_month') }} then 'first_bill'
    end as entry_reason,
    case
        when payable_usd >= {{ threshold('sales_line_usd_month') }} then 'outgrown'
        when is_last_day and not has_paid and queue_forecast_usd < {{ threshold('onboarding_line_usd_month') }}
            then 'faded'
    end as exit_reason
from days

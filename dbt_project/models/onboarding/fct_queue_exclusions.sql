{#- A forecast is large by itself, or since it is the largest of a customer whose accounts together are. One that has gone
    before its period was over, since its subscription ended, stands for the rest of the period with its last figure. -#}
{{ built_by_asked_days('as_of_date') }}

with forecasts as (
    select
        organization_id,
        customer_id,
        as_of_date,
        period_end,
        forecast_bill_usd,
        is_on_trial,
        has_paid,
        is_owned,
        sum(forecast_bill_usd) over (partition by customer_id, as_of_date) as customer_forecast_bill_usd,
        row_number() over (
            partition by customer_id, as_of_date
            order by forecast_bill_usd desc, organization_id
        ) as account_rank,
        lead(as_of_date) over (partition by organization_id order by as_of_date) as next_date
    from {{ ref('int_onboarding_forecasts') }}
),

large as (
    select *
    from forecasts
    where
        forecast_bill_usd >= {{ threshold('onboarding_line_usd_month') }}
        or (account_rank = 1 and customer_forecast_bill_usd >= {{ threshold('onboarding_line_usd_month') }})
),

{#- A plain date, since DuckDB would compare every day with every stay otherwise. -#}
stays as (
    select
        customer_id,
        entered_on,
        coalesce(exited_on, cast('9999-12-31' as date)) as in_queue_before
    from {{ ref('int_onboarding_stays') }}
),

judged as (
    select
        large.organization_id,
        large.customer_id,
        large.as_of_date,
        large.forecast_bill_usd,
        large.customer_forecast_bill_usd,
        case
            when large.is_owned then 'owned'
            when large.is_on_trial or days.bill_usd < {{ threshold('onboarding_line_usd_month') }} then 'on_trial'
            when days.payable_usd < {{ threshold('onboarding_line_usd_month') }} then 'credit_covers'
            when large.has_paid then 'paid_before'
            when days.is_above_in_period then 'above_line'
        end as reason
    from large
    left join {{ ref('int_onboarding_customer_days') }} as days
        on large.customer_id = days.customer_id
        and large.as_of_date = days.as_of_date

    union all

    select
        large.organization_id,
        large.customer_id,
        days.date as as_of_date,
        large.forecast_bill_usd,
        large.customer_forecast_bill_usd,
        'no_subscription' as reason
    from large
    inner join {{ ref('int_history_days') }} as days
        on days.date > large.as_of_date
        and days.date < large.period_end
        and coalesce(days.date < large.next_date, true)
    where coalesce(large.next_date > {{ dbt.dateadd('day', 1, 'large.as_of_date') }}, true)
)

select
    judged.organization_id,
    judged.customer_id,
    judged.reason,
    judged.forecast_bill_usd,
    {{ usd('judged.customer_forecast_bill_usd') }} as customer_forecast_bill_usd,
    judged.as_of_date
from judged
left join stays
    on judged.customer_id = stays.customer_id
    and judged.as_of_date >= stays.entered_on
    and judged.as_of_date < stays.in_queue_before
where
    stays.customer_id is null
    {{ only_days_to_build('judged.as_of_date') }}

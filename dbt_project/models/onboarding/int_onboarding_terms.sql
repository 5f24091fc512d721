{#- Forecasts of customers from the day on which the bills of all their accounts together reach the onboarding line,
    or one of them is on a startup plan: later days change nothing before it. The trial is that of the earliest
    created organization that has the open period. Plan and credit are those of any organization of the account that
    has them on the day. -#}
with bills as (
    select
        customers.customer_id,
        forecasts.as_of_date,
        sum(forecasts.forecast_bill_usd) as forecast_bill_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as customers on forecasts.account_organization_id = customers.organization_id
    group by customers.customer_id, forecasts.as_of_date
),

versions as (
    select
        spells.account_id,
        spells.organization_id,
        spells.organization_created_at,
        spells.period_start,
        spells.period_end,
        spells.has_active_subscription,
        greatest(spells.held_from, cast(spells.organization_created_at as date)) as held_from,
        spells.held_before,
        versions.startup_program,
        versions.credit_balance_usd,
        cast(versions.credit_expires_at as date) as credit_expires_on,
        cast(versions.free_trial_until as date) as trial_until
    from {{ ref('int_billing_spells') }} as spells
    inner join {{ ref('int_billing_versions') }} as versions
        on spells.organization_id = versions.organization_id
        and spells.updated_at = versions.updated_at
),

watched as (
    select customer_id, min(day) as watched_from
    from (
        select customer_id, as_of_date as day
        from bills
        where forecast_bill_usd >= {{ threshold('onboarding_line_usd_month') }}

        union all

        select customers.customer_id, versions.held_from
        from versions
        inner join {{ ref('int_customers') }} as customers on versions.organization_id = customers.organization_id
        where versions.startup_program is not null
    ) as reasons
    group by customer_id
),

forecasts as (
    select
        forecasts.account_organization_id as organization_id,
        watched.customer_id,
        forecasts.as_of_date,
        forecasts.period_start,
        forecasts.period_end,
        forecasts.amount_to_date_usd,
        forecasts.forecast_bill_usd,
        forecasts.forecast_payable_usd,
        versions.trial_until,
        first_value(versions.startup_program) over plan_first as startup_program,
        first_value(versions.credit_expires_on) over plan_first as credit_expires_on,
        max(versions.credit_balance_usd) over (
            partition by forecasts.account_organization_id, forecasts.as_of_date
        ) as credit_balance_usd,
        row_number() over (
            partition by forecasts.account_organization_id, forecasts.as_of_date
            order by
                case
                    when
                        versions.has_active_subscription
                        and versions.period_start = forecasts.period_start
                        and versions.period_end = forecasts.period_end
                        then 0
                    else 1
                end,
                versions.organization_created_at,
                versions.organization_id
        ) as terms_rank
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as customers on forecasts.account_organization_id = customers.organization_id
    inner join watched
        on customers.customer_id = watched.customer_id
        and forecasts.as_of_date >= watched.watched_from
    inner join {{ ref('int_billing_spells') }} as accounts
        on forecasts.account_organization_id = accounts.organization_id
        and forecasts.as_of_date >= accounts.held_from
        and forecasts.as_of_date < accounts.held_before
    inner join versions
        on accounts.account_id = versions.account_id
        and forecasts.as_of_date >= versions.held_from
        and forecasts.as_of_date < versions.held_before
    window
        plan_first as (
            partition by forecasts.account_organization_id, forecasts.as_of_date
            order by
                case when versions.startup_program is null then 1 else 0 end,
                versions.organization_created_at,
                versions.organization_id
        )
)

select
    organization_id,
    customer_id,
    as_of_date,
    period_start,
    period_end,
    amount_to_date_usd,
    forecast_bill_usd,
    forecast_payable_usd,
    trial_until,
    startup_program,
    credit_expires_on,
    credit_balance_usd
from forecasts
where terms_rank = 1

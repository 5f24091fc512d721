{#- Accounts that reach the onboarding line or are on a startup plan at some time, with what decides about them on each
    day: the terms are those of the account's earliest created organization whose period it is. -#}
with startups as (
    select distinct spells.account_id
    from {{ ref('int_billing_spells') }} as spells
    inner join {{ ref('int_billing_versions') }} as versions
        on spells.organization_id = versions.organization_id
        and spells.updated_at = versions.updated_at
    where versions.startup_program is not null
),

accounts as (
    select distinct organization_id, account_id
    from {{ ref('int_billing_spells') }}
),

watched as (
    select organization_id
    from {{ ref('fct_bill_forecasts') }}
    where forecast_bill_usd >= {{ threshold('onboarding_line_usd_month') }}

    union

    select accounts.organization_id
    from accounts
    inner join startups on accounts.account_id = startups.account_id
),

forecasts as (
    select
        forecasts.organization_id,
        forecasts.as_of_date,
        forecasts.period_start,
        forecasts.period_end,
        forecasts.amount_to_date_usd,
        forecasts.forecast_bill_usd,
        forecasts.forecast_payable_usd,
        versions.startup_program,
        versions.credit_balance_usd,
        cast(versions.credit_expires_at as date) as credit_expires_on,
        cast(versions.free_trial_until as date) as trial_until,
        row_number() over (
            partition by forecasts.organization_id, forecasts.as_of_date
            order by members.organization_created_at, members.organization_id
        ) as age_rank
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join watched on forecasts.organization_id = watched.organization_id
    inner join accounts on forecasts.organization_id = accounts.organization_id
    inner join {{ ref('int_billing_spells') }} as members
        on accounts.account_id = members.account_id
        and forecasts.period_start = members.period_start
        and forecasts.period_end = members.period_end
        and forecasts.as_of_date >= members.held_from
        and forecasts.as_of_date < members.held_before
        and members.has_active_subscription
    inner join {{ ref('int_billing_versions') }} as versions
        on members.organization_id = versions.organization_id
        and members.updated_at = versions.updated_at
),

credits as (
    select
        forecasts.*,
        case
            when startup_program is not null
                then greatest(credit_balance_usd - amount_to_date_usd, cast(0 as decimal(18, 2)))
        end as credit_left_usd,
        {{ dbt.datediff('as_of_date', 'credit_expires_on', 'day') }} as expires_in_days,
        {{ dbt.datediff('period_start', 'period_end', 'day') }} as period_days
    from forecasts
    where age_rank = 1
),

runways as (
    select
        credits.*,
        {{ divide_cut(
            'cast(credit_left_usd as decimal(20, 2)) * 100 * period_days',
            'cast(forecast_bill_usd as decimal(20, 2)) * 100'
        ) }} as runway_days
    from credits
),

payments as (
    select customer_id, min(paid_on) as first_paid_on
    from {{ ref('int_paid_bills') }}
    group by customer_id
)

select
    runways.organization_id,
    customers.customer_id,
    runways.as_of_date,
    runways.period_start,
    runways.period_end,
    runways.forecast_bill_usd,
    runways.forecast_payable_usd,
    coalesce(runways.trial_until > runways.as_of_date, false) as is_on_trial,
    runways.startup_program,
    {{ usd('runways.credit_left_usd') }} as credit_left_usd,
    runways.credit_expires_on,
    runways.runway_days,
    case
        when runways.startup_program is not null then least(runways.runway_days, runways.expires_in_days)
    end as rolloff_in_days,
    coalesce(payments.first_paid_on <= runways.as_of_date, false) as has_paid,
    owned.customer_id is not null as is_owned
from runways
inner join {{ ref('int_customers') }} as customers on runways.organization_id = customers.organization_id
left join payments on customers.customer_id = payments.customer_id
left join {{ ref('int_sales_owned_spells') }} as owned
    on customers.customer_id = owned.customer_id
    and runways.as_of_date >= owned.owned_from
    and runways.as_of_date < owned.owned_before

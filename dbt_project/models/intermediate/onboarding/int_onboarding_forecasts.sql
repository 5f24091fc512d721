{#- Forecasts of customers from the day on which the bills of all of their accounts together reach the onboarding line, or
    one of them is on a startup plan: what comes on later days changes none. The trial is that of the account's earliest
    created organization whose period it is, the plan and the credit are those of whichever of its organizations has
    them on the day. -#}
with bills as (
    select
        customers.customer_id,
        forecasts.as_of_date,
        sum(forecasts.forecast_bill_usd) as forecast_bill_usd
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as customers on forecasts.organization_id = customers.organization_id
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
        forecasts.organization_id,
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
            partition by forecasts.organization_id, forecasts.as_of_date
        ) as credit_balance_usd,
        row_number() over (
            partition by forecasts.organization_id, forecasts.as_of_date
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
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join {{ ref('int_customers') }} as customers on forecasts.organization_id = customers.organization_id
    inner join watched
        on customers.customer_id = watched.customer_id
        and forecasts.as_of_date >= watched.watched_from
    inner join {{ ref('int_billing_spells') }} as accounts
        on forecasts.organization_id = accounts.organization_id
        and forecasts.as_of_date >= accounts.held_from
        and forecasts.as_of_date < accounts.held_before
    inner join versions
        on accounts.account_id = versions.account_id
        and forecasts.as_of_date >= versions.held_from
        and forecasts.as_of_date < versions.held_before
    window
        plan_first as (
            partition by forecasts.organization_id, forecasts.as_of_date
            order by
                case when versions.startup_program is null then 1 else 0 end,
                versions.organization_created_at,
                versions.organization_id
        )
),

credits as (
    select
        forecasts.*,
        case
            when startup_program is not null
                then greatest(credit_balance_usd - amount_to_date_usd, cast(0 as decimal(22, 2)))
        end as credit_left_usd,
        {{ dbt.datediff('as_of_date', 'credit_expires_on', 'day') }} as expires_in_days,
        {{ dbt.datediff('period_start', 'period_end', 'day') }} as period_days
    from forecasts
    where terms_rank = 1
),

{#- No date is later than 2100-01-01, so no credit lasts longer: a balance that is out of all proportion would. -#}
runways as (
    select
        credits.*,
        least(
            {{ divide_cut(
                'cast(credit_left_usd as decimal(22, 2)) * 100 * period_days',
                'cast(forecast_bill_usd as decimal(22, 2)) * 100',
                'decimal(38, 0)'
            ) | indent(8) }},
            case
                when credit_left_usd is not null and forecast_bill_usd <> 0
                    then {{ dbt.datediff('as_of_date', "cast('2100-01-01' as date)", 'day') }}
            end
        ) as runway_days
    from credits
),

payments as (
    select customer_id, min(paid_on) as first_paid_on
    from {{ ref('int_paid_bills') }}
    group by customer_id
)

select
    runways.organization_id,
    runways.customer_id,
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
left join payments on runways.customer_id = payments.customer_id
left join {{ ref('int_sales_owned_spells') }} as owned
    on runways.customer_id = owned.customer_id
    and runways.as_of_date >= owned.owned_from
    and runways.as_of_date < owned.owned_before

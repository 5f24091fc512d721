{#- Forecasts of customers from the day on which the bills of all their accounts together reach the onboarding line,
    or one of them is on a startup plan: later days change nothing before it. The trial is that of the earliest
    created organization that has the open period. Plan and credit are those of any organization of the account that
    has them on the day. Whether the customer had paid, and who held it, is as of the end of the day. -#}
with watched as (
    select customer_id, min(day) as watched_from
    from (
        select customers.customer_id, forecasts.as_of_date as day
        from {{ ref('int_bill_forecasts') }} as forecasts
        inner join {{ ref('int_customers') }} as customers
            on forecasts.account_organization_id = customers.organization_id
        group by customers.customer_id, forecasts.as_of_date
        having sum(forecasts.forecast_bill_usd) >= {{ threshold('onboarding_line_usd_month') }}

        union all

        select customers.customer_id, greatest(spells.held_from, cast(spells.organization_created_at as date))
        from {{ ref('int_billing_spells') }} as spells
        inner join {{ ref('int_customers') }} as customers on spells.organization_id = customers.organization_id
        where spells.startup_program is not null
    ) as reasons
    group by customer_id
),

ranked as (
    select
        forecasts.account_organization_id as organization_id,
        watched.customer_id,
        forecasts.as_of_date,
        forecasts.period_start,
        forecasts.period_end,
        forecasts.amount_to_date_usd,
        forecasts.forecast_bill_usd,
        forecasts.forecast_payable_usd,
        spells.trial_until,
        first_value(spells.startup_program) over plan_first as startup_program,
        first_value(spells.credit_expires_on) over plan_first as credit_expires_on,
        max(spells.credit_balance_usd) over (
            partition by forecasts.account_organization_id, forecasts.as_of_date
        ) as credit_balance_usd,
        row_number() over (
            partition by forecasts.account_organization_id, forecasts.as_of_date
            order by
                case
                    when
                        spells.has_active_subscription
                        and spells.period_start = forecasts.period_start
                        and spells.period_end = forecasts.period_end
                        then 0
                    else 1
                end,
                spells.organization_created_at,
                spells.organization_id
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
    inner join {{ ref('int_billing_spells') }} as spells
        on accounts.account_id = spells.account_id
        and forecasts.as_of_date >= spells.held_from
        and forecasts.as_of_date < spells.held_before
        and forecasts.as_of_date >= cast(spells.organization_created_at as date)
    window
        plan_first as (
            partition by forecasts.account_organization_id, forecasts.as_of_date
            order by
                case when spells.startup_program is null then 1 else 0 end,
                spells.organization_created_at,
                spells.organization_id
        )
),

credits as (
    select
        ranked.*,
        case
            when startup_program is not null
                then greatest(credit_balance_usd - amount_to_date_usd, cast(0 as decimal(22, 2)))
        end as credit_left_usd
    from ranked
    where terms_rank = 1
),

{#- No credit lasts longer than dates go: a balance that is out of all proportion would. -#}
runways as (
    select
        credits.*,
        least(
            {{ divide_cut(
                'cast(credit_left_usd as decimal(22, 2)) * 100 * ' ~ dbt.datediff('period_start', 'period_end', 'day'),
                'cast(forecast_bill_usd as decimal(22, 2)) * 100',
                'decimal(38, 0)'
            ) | indent(8) }},
            case
                when credit_left_usd is not null and forecast_bill_usd <> 0
                    then {{ dbt.datediff('as_of_date', "cast('" ~ last_date() ~ "' as date)", 'day') }}
            end
        ) as runway_days
    from credits
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
        when runways.startup_program is not null
            then least(runways.runway_days, {{ dbt.datediff('runways.as_of_date', 'runways.credit_expires_on', 'day') }})
    end as rolloff_in_days,
    coalesce(first_bill.paid_on <= runways.as_of_date, false) as has_paid,
    owned.customer_id is not null as is_owned
from runways
left join {{ ref('int_paid_bills') }} as first_bill
    on runways.customer_id = first_bill.customer_id
    and first_bill.bill_number = 1
left join {{ ref('int_sales_owned_spells') }} as owned
    on runways.customer_id = owned.customer_id
    and runways.as_of_date >= owned.owned_from
    and runways.as_of_date < owned.owned_before

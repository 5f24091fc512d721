{#- How long the credit lasts, and whether the customer had paid and who held it at the end of the day. -#}
with credits as (
    select
        organization_id,
        customer_id,
        as_of_date,
        period_start,
        period_end,
        forecast_bill_usd,
        forecast_payable_usd,
        trial_until,
        startup_program,
        credit_expires_on,
        case
            when startup_program is not null
                then greatest(credit_balance_usd - amount_to_date_usd, cast(0 as decimal(22, 2)))
        end as credit_left_usd,
        {{ dbt.datediff('as_of_date', 'credit_expires_on', 'day') }} as expires_in_days,
        {{ dbt.datediff('period_start', 'period_end', 'day') }} as period_days
    from {{ ref('int_onboarding_terms') }}
),

{#- No credit lasts longer than dates go: a balance that is out of all proportion would. -#}
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
                    then {{ dbt.datediff('as_of_date', "cast('" ~ last_date() ~ "' as date)", 'day') }}
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

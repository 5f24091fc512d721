with stays as (
    select
        stays.customer_id,
        stays.queue_reason,
        stays.forecast_entered_on,
        stays.entered_on,
        stays.exited_on,
        stays.exit_reason,
        coalesce(stays.exited_on, data_day.as_of_date) as last_day
    from {{ ref('int_onboarding_stays') }} as stays
    cross join {{ ref('int_data_day') }} as data_day
),

days as (
    select
        stays.customer_id,
        stays.entered_on,
        days.organization_id,
        days.period_end,
        days.queue_forecast_usd,
        row_number() over (
            partition by stays.customer_id, stays.entered_on
            order by days.as_of_date
        ) as day_number,
        row_number() over (
            partition by stays.customer_id, stays.entered_on
            order by days.as_of_date desc
        ) as days_to_last
    from stays
    inner join {{ ref('int_onboarding_customer_days') }} as days
        on stays.customer_id = days.customer_id
        and days.as_of_date >= stays.forecast_entered_on
        and days.as_of_date <= stays.last_day
),

forecasts as (
    select
        customer_id,
        entered_on,
        max(case when day_number = 1 then organization_id end) as organization_id,
        max(case when day_number = 1 then queue_forecast_usd end) as entry_forecast_usd,
        max(case when days_to_last = 1 then queue_forecast_usd end) as latest_forecast_usd,
        max(case when days_to_last = 1 then period_end end) as period_end
    from days
    where day_number = 1 or days_to_last = 1
    group by customer_id, entered_on
),

bills as (
    select stays.customer_id, stays.entered_on, count(*) as bills_paid
    from stays
    inner join {{ ref('int_paid_bills') }} as bills
        on stays.customer_id = bills.customer_id
        and bills.paid_on <= stays.last_day
    group by stays.customer_id, stays.entered_on
),

owners as (
    select
        stays.customer_id,
        stays.entered_on,
        owners.owner_email,
        row_number() over (
            partition by stays.customer_id, stays.entered_on
            order by
                case when owners.owner_role = 'onboarding_specialist' then 0 else 1 end,
                owners.owned_from desc,
                owners.account_id
        ) as owner_rank
    from stays
    inner join {{ ref('int_account_owners') }} as owners
        on stays.customer_id = owners.customer_id
        and stays.last_day >= owners.owned_from
        and stays.last_day < owners.held_before
    where owners.owner_email is not null
)

select
    stays.customer_id,
    organizations.name as customer_name,
    forecasts.organization_id,
    stays.queue_reason,
    stays.entered_on,
    forecasts.entry_forecast_usd,
    forecasts.latest_forecast_usd,
    forecasts.period_end,
    {{ contact_by('stays.entered_on', 'forecasts.period_end') }} as contact_by,
    cast(coalesce(bills.bills_paid, 0) as int) as bills_paid,
    owners.owner_email,
    stays.exited_on,
    stays.exit_reason,
    stays.exited_on is null as is_open
from stays
inner join forecasts
    on stays.customer_id = forecasts.customer_id
    and stays.entered_on = forecasts.entered_on
left join {{ ref('int_organizations') }} as organizations on stays.customer_id = organizations.organization_id
left join bills
    on stays.customer_id = bills.customer_id
    and stays.entered_on = bills.entered_on
left join owners
    on stays.customer_id = owners.customer_id
    and stays.entered_on = owners.entered_on
    and owners.owner_rank = 1

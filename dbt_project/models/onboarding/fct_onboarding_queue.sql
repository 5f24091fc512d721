{#- A stay begins with the contact in the period in which its customer entered the queue, where usage of the days before
    the contact was received later: the forecast that it was made on is not the one that is here. -#}
with entries as (
    select
        stays.customer_id,
        stays.entered_on,
        stays.left_before_on,
        forecasts.period_start
    from {{ ref('int_onboarding_stays') }} as stays
    inner join {{ ref('int_onboarding_customer_days') }} as days
        on stays.customer_id = days.customer_id
        and stays.entered_on = days.as_of_date
    inner join {{ ref('int_onboarding_forecasts') }} as forecasts
        on days.organization_id = forecasts.organization_id
        and days.as_of_date = forecasts.as_of_date
),

contacts as (
    select distinct
        entries.customer_id,
        entries.entered_on,
        entries.period_start,
        owners.last_contacted_on as contacted_on
    from entries
    inner join {{ ref('int_account_owners') }} as owners
        on entries.customer_id = owners.customer_id
        and owners.last_contacted_on >= entries.period_start
        and owners.last_contacted_on < entries.entered_on
    left join {{ ref('int_sales_owned_spells') }} as owned
        on entries.customer_id = owned.customer_id
        and owned.owned_from < entries.entered_on
        and owned.owned_before > owners.last_contacted_on
    where
        owned.customer_id is null
        and not owners.is_sales_or_success
        and coalesce(owners.last_contacted_on > entries.left_before_on, true)
),

contacts_before_restatement as (
    select
        contacts.customer_id,
        contacts.entered_on,
        min(contacts.contacted_on) as contacted_on
    from contacts
    inner join {{ ref('int_customers') }} as members on contacts.customer_id = members.customer_id
    inner join {{ ref('stg_usage__usage_reports') }} as reports
        on members.organization_id = reports.organization_id
        and reports.date >= contacts.period_start
        and reports.date < contacts.contacted_on
        and cast(reports.received_at as date) > contacts.contacted_on
    group by contacts.customer_id, contacts.entered_on
),

stays as (
    select
        stays.customer_id,
        stays.queue_reason,
        stays.entered_on as forecast_entered_on,
        coalesce(contacts.contacted_on, stays.entered_on) as entered_on,
        stays.exited_on,
        stays.exit_reason,
        coalesce(stays.exited_on, data_day.as_of_date) as last_day
    from {{ ref('int_onboarding_stays') }} as stays
    cross join {{ ref('int_data_day') }} as data_day
    left join contacts_before_restatement as contacts
        on stays.customer_id = contacts.customer_id
        and stays.entered_on = contacts.entered_on
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
    greatest(
        stays.entered_on,
        cast({{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('contact_days_before_renewal') ~ ' as int)', 'forecasts.period_end'
        ) }} as date)
    ) as contact_by,
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

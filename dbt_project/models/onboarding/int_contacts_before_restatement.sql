{#- Contacts in the period in which a customer entered the queue, and before it did by what is known now, where usage of
    the days before them was received later: the forecast that they were made on is not the one that is here. -#}
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
)

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

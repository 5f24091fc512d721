{#- A report of a day before the contact that was received after it changes the forecast on which the contact was made. -#}
with contacts as (
    select distinct customer_id, last_contacted_on as contacted_on
    from {{ ref('int_account_owners') }}
    where last_contacted_on is not null and not is_sales_or_success
),

late_reports as (
    select
        members.customer_id,
        reports.date,
        cast(reports.received_at as date) as received_on
    from {{ ref('stg_usage__usage_reports') }} as reports
    inner join {{ ref('int_customers') }} as members on reports.organization_id = members.organization_id
    where reports.received_at >= {{ dbt.dateadd('day', 2, 'reports.date') }}
)

select
    contacts.customer_id,
    contacts.contacted_on,
    max(late_reports.date) as last_restated_on
from contacts
inner join late_reports
    on contacts.customer_id = late_reports.customer_id
    and contacts.contacted_on > late_reports.date
    and contacts.contacted_on < late_reports.received_on
group by contacts.customer_id, contacts.contacted_on

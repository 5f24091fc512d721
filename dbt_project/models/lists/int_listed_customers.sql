{#- Customers that lists may name: all but hobbyists and those that are gone, with every organization removed and no MRR.
    A customer's segment and size are those of its canonical organization's company. -#}
with held_by_sales as (
    select distinct customer_id
    from {{ ref('int_customer_owners') }}
    where is_sales_or_success
),

subscribed as (
    select distinct members.customer_id
    from {{ ref('int_billing_versions') }} as billing
    inner join {{ ref('int_customers') }} as members on billing.organization_id = members.organization_id
    where billing.is_current and billing.has_active_subscription
),

removed as (
    select members.customer_id
    from {{ ref('int_customers') }} as members
    inner join {{ ref('int_organizations') }} as organizations
        on members.organization_id = organizations.organization_id
    group by members.customer_id
    having count(*) = count(organizations.removed_at)
)

select
    customers.customer_id,
    organizations.name as customer_name,
    segments.icp_segment,
    segments.list_order,
    customers.size_tier,
    customers.arr_usd_year,
    customers.owner_email,
    customers.mrr_usd_month > 0 as is_paying,
    customers.is_do_not_contact,
    held_by_sales.customer_id is not null as is_held_by_sales,
    subscribed.customer_id is not null as is_subscribed,
    segments.created_on,
    greatest(segments.created_on, spans.valid_from) as company_known_on,
    spans.employees,
    data_day.as_of_date
from {{ ref('int_customer_standing') }} as customers
inner join {{ ref('int_organization_segments') }} as segments on customers.customer_id = segments.organization_id
inner join {{ ref('int_company_spans') }} as spans on segments.span_id = spans.span_id
cross join {{ ref('int_data_day') }} as data_day
left join {{ ref('int_organizations') }} as organizations on customers.customer_id = organizations.organization_id
left join held_by_sales on customers.customer_id = held_by_sales.customer_id
left join subscribed on customers.customer_id = subscribed.customer_id
left join removed on customers.customer_id = removed.customer_id
where
    segments.list_order is not null
    and (removed.customer_id is null or customers.mrr_usd_month > 0)

{#- Customers that two people may write to: held by two in two roles, or in the onboarding queue while sales is at work on
    them. The CRM does not say who wrote, so sales is at work where it has an opportunity open, or where an account that
    it holds was contacted since the stay began. -#}
with opportunities as (
    {{ version_on_data_day(
        ref('stg_crm__opportunities'),
        key=['opportunity_id'],
        stamp='updated_at',
        columns=['opportunity_id', 'account_id', 'created_at', 'closed_at'],
    ) | indent }}
),

queued as (
    select customer_id, entered_on as queued_on
    from {{ ref('int_onboarding_stays') }}
    where exited_on is null
),

worked_on as (
    select owners.customer_id
    from opportunities
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('int_account_owners') }} as owners
        on opportunities.account_id = owners.account_id
        and data_day.as_of_date >= owners.held_from
        and data_day.as_of_date < owners.held_before
    where
        opportunities.created_at < data_day.as_of_ts
        and coalesce(opportunities.closed_at >= data_day.as_of_ts, true)

    union

    select queued.customer_id
    from queued
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('int_account_owners') }} as owners
        on queued.customer_id = owners.customer_id
        and owners.is_sales_or_success
        and owners.last_contacted_on >= queued.queued_on
        and owners.last_contacted_on <= data_day.as_of_date
        and owners.held_before > queued.queued_on
)

select queued.customer_id
from queued
inner join worked_on on queued.customer_id = worked_on.customer_id

union

select customer_id
from {{ ref('int_customer_owners') }}
group by customer_id
having count(distinct owner_role) > 1 and count(distinct owner_email) > 1

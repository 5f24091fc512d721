{{ config(materialized='view') }}

{#- An owner from before the first version of a CRM account came with the sign-up; one who had left by then is not
    listed. Neither is one whose first day never came. -#}
with owners as (
    select
        customer_id,
        account_id,
        owner_email,
        owner_came_on,
        max(owner_role) as owner_role,
        max(held_before) as held_before
    from {{ ref('int_account_owners') }}
    where owner_email is not null and owned_from < held_before
    group by customer_id, account_id, owner_email, owner_came_on
),

tenures as (
    select
        owners.customer_id,
        owners.account_id,
        owners.owner_email,
        owners.owner_role,
        case
            when owners.owner_came_on = cast('1900-01-01' as date) then cast(organizations.created_at as date)
            else owners.owner_came_on
        end as came_on,
        owners.held_before as left_on
    from owners
    inner join {{ ref('int_organizations') }} as organizations on owners.customer_id = organizations.organization_id
),

owner_events as (
    select customer_id, came_on as day, 'owner_came' as kind, account_id, owner_role, owner_email
    from tenures
    where came_on < left_on

    union all

    select customer_id, left_on, 'owner_left', account_id, owner_role, owner_email
    from tenures
    where came_on < left_on
)

select
    customer_id,
    entered_on as day,
    'queue_entered' as kind,
    organization_id as subject,
    queue_reason as what,
    cast(entry_forecast_usd as decimal(24, 4)) as figure,
    'USD a month' as unit,
    'fct_onboarding_queue' as source_table,
    cast(null as {{ dbt.type_string() }}) as owner_email
from {{ ref('fct_onboarding_queue') }}

union all

select
    customer_id,
    exited_on,
    'queue_left',
    organization_id,
    exit_reason,
    cast(latest_forecast_usd as decimal(24, 4)),
    'USD a month',
    'fct_onboarding_queue',
    null
from {{ ref('fct_onboarding_queue') }}
where exited_on is not null

union all

select
    owner_events.customer_id,
    owner_events.day,
    owner_events.kind,
    owner_events.account_id,
    owner_events.owner_role,
    cast(null as decimal(24, 4)),
    cast(null as {{ dbt.type_string() }}),
    'crm.accounts',
    owner_events.owner_email
from owner_events
inner join {{ ref('int_data_day') }} as data_day on owner_events.day <= data_day.as_of_date

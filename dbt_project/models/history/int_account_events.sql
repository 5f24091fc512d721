{{ config(materialized='view') }}

{#- Days before the first version of an account of the CRM have its owner: who holds it since then came with the sign-up,
    and who had left it by then was never there. One who was to come and never did has neither come nor left. Of a deal's
    versions on one day the last one counts. -#}
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
),

accounts as (
    select
        account_id,
        customer_id,
        row_number() over (partition by account_id order by held_from desc) as newest_rank
    from {{ ref('int_account_owners') }}
),

deal_versions as (
    select
        opportunities.opportunity_id,
        opportunities.account_id,
        opportunities.stage,
        opportunities.amount_usd_year,
        opportunities.updated_at,
        cast(
            case
                when row_number() over (
                    partition by opportunities.opportunity_id
                    order by opportunities.updated_at
                ) = 1 then coalesce(opportunities.created_at, opportunities.updated_at)
                else opportunities.updated_at
            end as date
        ) as day
    from {{ ref('stg_crm__opportunities') }} as opportunities
),

deal_days as (
    select
        deal_versions.*,
        row_number() over (
            partition by deal_versions.opportunity_id, deal_versions.day
            order by deal_versions.updated_at desc
        ) as newest_rank
    from deal_versions
    inner join {{ ref('int_data_day') }} as data_day on deal_versions.day <= data_day.as_of_date
),

deals as (
    select
        opportunity_id,
        account_id,
        day,
        stage,
        amount_usd_year,
        lag(stage) over (partition by opportunity_id order by day) as stage_before
    from deal_days
    where newest_rank = 1
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

union all

select
    accounts.customer_id,
    deals.day,
    'deal_stage_changed',
    deals.opportunity_id,
    deals.stage,
    cast(deals.amount_usd_year as decimal(24, 4)),
    'USD a year',
    'crm.opportunities',
    null
from deals
inner join accounts
    on deals.account_id = accounts.account_id
    and accounts.newest_rank = 1
where coalesce(deals.stage <> deals.stage_before, true)

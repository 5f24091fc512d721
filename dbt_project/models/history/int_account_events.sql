{{ config(materialized='view') }}

{#- Days before the first version of an account of the CRM have its owner: who holds it since then came with the sign-up.
    One who was to come and never did has neither come nor left. Of a deal's versions on one day the last one counts. -#}
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

owner_days as (
    select customer_id, 'owner_came' as kind, owner_email, owner_role, owner_came_on as day
    from owners

    union all

    select customer_id, 'owner_left', owner_email, owner_role, held_before
    from owners
),

owner_events as (
    select
        owner_days.customer_id,
        owner_days.kind,
        owner_days.owner_email,
        owner_days.owner_role,
        case
            when owner_days.day = cast('1900-01-01' as date) then cast(organizations.created_at as date)
            else owner_days.day
        end as day
    from owner_days
    inner join {{ ref('dim_organizations') }} as organizations
        on owner_days.customer_id = organizations.organization_id
    inner join {{ ref('int_data_day') }} as data_day on owner_days.day <= data_day.as_of_date
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
    'fct_onboarding_queue' as source_table
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
    'fct_onboarding_queue'
from {{ ref('fct_onboarding_queue') }}
where exited_on is not null

union all

select
    customer_id,
    day,
    kind,
    owner_email,
    max(owner_role),
    cast(null as decimal(24, 4)),
    cast(null as {{ dbt.type_string() }}),
    'crm.accounts'
from owner_events
group by customer_id, day, kind, owner_email

union all

select
    accounts.customer_id,
    deals.day,
    'deal_stage_changed',
    deals.opportunity_id,
    deals.stage,
    cast(deals.amount_usd_year as decimal(24, 4)),
    'USD a year',
    'crm.opportunities'
from deals
inner join accounts
    on deals.account_id = accounts.account_id
    and accounts.newest_rank = 1
where coalesce(deals.stage <> deals.stage_before, true)

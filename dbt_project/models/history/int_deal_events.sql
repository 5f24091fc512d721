{{ config(materialized='view') }}

{#- Of a deal's versions on one day the last one counts. -#}
with accounts as (
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
    accounts.customer_id,
    deals.day,
    'deal_stage_changed' as kind,
    deals.opportunity_id as subject,
    deals.stage as what,
    cast(deals.amount_usd_year as decimal(24, 4)) as figure,
    'USD a year' as unit,
    'crm.opportunities' as source_table
from deals
inner join accounts
    on deals.account_id = accounts.account_id
    and accounts.newest_rank = 1
where coalesce(deals.stage <> deals.stage_before, true)

{#- What the organizations of a billing account used together. As far back as the open periods and the windows of a
    forecast reach: days whose forecasts stay as they are need not be looked at again. -#}
{{ config(materialized='view') }}

with windows as (
    select
        min(accounts.period_start) as first_period_start,
        cast({{ dbt.dateadd('day', '-84', 'min(to_build.first_day)') }} as date) as first_window_start,
        max(to_build.last_day) as last_day
    from {{ ref('int_account_days') }} as accounts
    cross join {{ ref('int_days_to_build') }} as to_build
)

select
    spells.account_id,
    usage.product_key,
    usage.date,
    cast(sum(usage.quantity) as decimal(24, 6)) as quantity
from {{ ref('fct_usage_daily') }} as usage
inner join {{ ref('int_billing_spells') }} as spells
    on usage.organization_id = spells.organization_id
    and usage.date >= spells.held_from
    and usage.date < spells.held_before
inner join windows on usage.date >= least(windows.first_period_start, windows.first_window_start)
where usage.date <= windows.last_day
group by spells.account_id, usage.product_key, usage.date

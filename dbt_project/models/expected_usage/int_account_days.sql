{#- Billing accounts with an open period, a row for each day, with the terms that held at its end: those of the earliest
    created organization whose period is open. The credit is that of whichever organization has it; since all of them
    draw on one balance, it is not added up. -#}
with members as (
    select
        spells.account_id,
        days.date as as_of_date,
        spells.organization_id,
        spells.updated_at,
        spells.period_start,
        spells.period_end,
        spells.subscribed_on,
        spells.discount_percent,
        spells.platform_package,
        spells.credit_balance_usd,
        row_number() over (
            partition by spells.account_id, days.date
            order by spells.organization_created_at, spells.organization_id
        ) as age_rank,
        spells.has_active_subscription
        and coalesce(days.date >= spells.period_start and days.date < spells.period_end, false) as is_open
    from {{ ref('int_billing_spells') }} as spells
    inner join {{ ref('int_history_days') }} as days
        on days.date >= spells.held_from
        and days.date < spells.held_before
        and days.date >= cast(spells.organization_created_at as date)
    inner join {{ ref('int_days_to_build') }} as to_build
        on days.date >= to_build.first_day
        and days.date <= to_build.last_day
),

ranked as (
    select
        account_id,
        as_of_date,
        max(case when age_rank = 1 then organization_id end) over (
            partition by account_id, as_of_date
        ) as account_organization_id,
        organization_id,
        updated_at,
        period_start,
        period_end,
        subscribed_on,
        discount_percent,
        platform_package,
        max(credit_balance_usd) over (partition by account_id, as_of_date) as credit_balance_usd,
        is_open,
        row_number() over (
            partition by account_id, as_of_date
            order by case when is_open then 0 else 1 end, age_rank
        ) as terms_rank
    from members
)

select
    ranked.account_id,
    ranked.account_organization_id,
    ranked.as_of_date,
    ranked.period_start,
    ranked.period_end,
    cast({{ dbt.dateadd('day', -1, 'ranked.period_end') }} as date) as last_day,
    cast({{ dbt.datediff('ranked.period_start', 'ranked.period_end', 'day') }} as int) as period_days,
    cast({{ dbt.datediff('ranked.period_start', 'ranked.as_of_date', 'day') }} + 1 as int) as day_of_period,
    cast(today.missing_days_so_far - coalesce(before.missing_days_so_far, 0) as int) as missing_days,
    ranked.subscribed_on,
    ranked.organization_id as terms_organization_id,
    ranked.updated_at as terms_updated_at,
    ranked.discount_percent,
    ranked.platform_package,
    ranked.credit_balance_usd
from ranked
inner join {{ ref('int_history_days') }} as today on ranked.as_of_date = today.date
left join {{ ref('int_history_days') }} as before
    on before.date = {{ dbt.dateadd('day', -1, 'ranked.period_start') }}
where ranked.is_open and ranked.terms_rank = 1

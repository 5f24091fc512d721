{#- How long a prepaid contract's credit lasts, on each day of the contract on which that may have changed: when a month
    is closed its MRR is known, and billing has a new version. What the last bill left lasts from the start of the open
    period on, and the balance of a day is that less what has burned before it; credit that is used up ended with the last
    version that had some. -#}
with contracts as (
    select
        coalesce(accounts.account_organization_id, versions.organization_id) as organization_id,
        versions.organization_id as contract_organization_id,
        versions.annual_plan_start_at,
        versions.annual_plan_end_at,
        row_number() over (
            partition by coalesce(accounts.account_organization_id, versions.organization_id)
            order by
                case when accounts.account_organization_id = versions.organization_id then 0 else 1 end,
                versions.organization_id
        ) as contract_rank
    from {{ ref('int_billing_versions') }} as versions
    left join {{ ref('int_stripe_customer_links') }} as links
        on versions.organization_id = links.organization_id
        and links.is_billed_here
    left join {{ ref('int_billing_accounts') }} as accounts on links.stripe_customer_id = accounts.stripe_customer_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        versions.is_current
        and versions.annual_plan_start_at < data_day.as_of_ts
        and versions.annual_plan_end_at > data_day.as_of_ts
),

versions as (
    select
        organization_id,
        credit_balance_usd,
        current_period_start_at,
        valid_from,
        valid_to,
        max(case when credit_balance_usd > 0 then valid_to end) over (
            partition by organization_id
            order by valid_from
            rows between unbounded preceding and current row
        ) as had_credit_until
    from {{ ref('int_billing_versions') }}
),

days as (
    select contracts.contract_organization_id, data_day.as_of_date
    from contracts
    cross join {{ ref('int_data_day') }} as data_day

    union

    select contracts.contract_organization_id, {{ month_closes_on('months.month') }} as as_of_date
    from contracts
    cross join (select distinct month from {{ ref('int_organization_mrr_monthly') }}) as months

    union

    select contracts.contract_organization_id, cast(versions.valid_from as date) as as_of_date
    from contracts
    inner join versions on contracts.contract_organization_id = versions.organization_id
),

balances as (
    select
        contracts.organization_id,
        cast(contracts.annual_plan_start_at as date) as term_starts_on,
        cast(contracts.annual_plan_end_at as date) as term_ends_on,
        days.as_of_date,
        {{ last_closed_month('days.as_of_date') }} as last_closed_month,
        versions.credit_balance_usd,
        case
            when versions.credit_balance_usd > 0
                then coalesce(
                    cast(versions.current_period_start_at as date),
                    cast({{ dbt.dateadd('day', 1, 'days.as_of_date') }} as date)
                )
            else greatest(
                cast(coalesce(versions.had_credit_until, contracts.annual_plan_start_at) as date),
                cast(contracts.annual_plan_start_at as date)
            )
        end as burns_from,
        versions.credit_balance_usd <= 0
            and coalesce(versions.had_credit_until > contracts.annual_plan_start_at, false) as is_used_up
    from contracts
    inner join days
        on contracts.contract_organization_id = days.contract_organization_id
        and days.as_of_date >= cast(contracts.annual_plan_start_at as date)
    inner join versions
        on contracts.contract_organization_id = versions.organization_id
        and versions.valid_from < {{ dbt.dateadd('day', 1, 'days.as_of_date') }}
        and versions.valid_to >= {{ dbt.dateadd('day', 1, 'days.as_of_date') }}
    where contracts.contract_rank = 1
),

burned as (
    select
        balances.organization_id,
        balances.as_of_date,
        sum(mrr.mrr_usd_month) as burned_usd,
        {{ dbt.datediff('min(mrr.month)', dbt.dateadd('month', 1, 'balances.last_closed_month'), 'day') }} as burned_days
    from balances
    inner join {{ ref('int_organization_mrr_monthly') }} as mrr
        on balances.organization_id = mrr.organization_id
        and mrr.month <= balances.last_closed_month
        and {{ dbt.datediff('mrr.month', 'balances.last_closed_month', 'month') }} < {{ threshold('credit_burn_months') }}
    group by balances.organization_id, balances.as_of_date, balances.last_closed_month
),

lasting as (
    select
        balances.organization_id,
        balances.as_of_date,
        balances.term_starts_on,
        balances.term_ends_on,
        balances.credit_balance_usd,
        balances.burns_from,
        {{ divide_half_up(
            'cast(greatest(burned.burned_usd, 0) * 100 as decimal(38, 0)) * greatest('
            ~ dbt.datediff('balances.burns_from', 'balances.as_of_date', 'day') ~ ', 0)',
            'burned.burned_days'
        ) }} as burned_cents_since,
        {{ divide_half_up('cast(burned.burned_usd * 100 as bigint)', 'burned.burned_days') }} as burn_cents_day,
        case
            when balances.is_used_up then 0
            when burned.burned_usd > 0 then {{ divide_cut(
                'cast(greatest(balances.credit_balance_usd, 0) * 100 as decimal(38, 0)) * burned.burned_days',
                'cast(burned.burned_usd * 100 as decimal(38, 0))',
                'decimal(38, 0)'
            ) }}
        end as days_of_credit
    from balances
    left join burned
        on balances.organization_id = burned.organization_id
        and balances.as_of_date = burned.as_of_date
)

select
    organization_id,
    as_of_date,
    term_starts_on,
    term_ends_on,
    {{ round_half_up(
        'case when credit_balance_usd > 0 then greatest('
        ~ 'credit_balance_usd - cast(coalesce(burned_cents_since, 0) * 0.01 as decimal(22, 2)), 0)'
        ~ ' else credit_balance_usd end'
    ) }} as credit_balance_usd,
    cast(coalesce(burn_cents_day, 0) * 0.01 as decimal(22, 2)) as burn_usd_day,
    case
        when days_of_credit < {{ dbt.datediff('burns_from', 'term_ends_on', 'day') }}
            then cast({{ dbt.dateadd('day', 'cast(days_of_credit as int)', 'burns_from') }} as date)
    end as runs_out_on
from lasting

{#- Doubts about days and periods: reports of impossible days, impossible billing periods, and closed months without
    an invoice. -#}
with reports_left_out as (
    select reports.organization_id, reports.date, days.organizations
    from {{ ref('stg_usage__usage_reports') }} as reports
    inner join {{ ref('int_usage_days') }} as days on reports.date = days.date
    cross join {{ ref('int_data_day') }} as data_day
    where
        reports.date < data_day.first_usage_day
        or (
            reports.date > data_day.as_of_date
            and days.is_over
            and (not days.has_quorum or days.stretch_number <> data_day.stretch_number)
        )
),

{#- A trial is billed nothing, and what startup credit pays is no MRR: nobody waits for an invoice of it. -#}
terms as (
    select
        closed.account_organization_id,
        closed.closed_on,
        coalesce(max(case when spells.trial_until > closed.closed_on then 1 else 0 end), 0) = 1 as is_on_trial,
        coalesce(max(case when spells.startup_program is not null then spells.credit_balance_usd end), 0) as startup_credit_usd
    from {{ ref('int_closed_bills') }} as closed
    inner join {{ ref('int_billing_spells') }} as accounts
        on closed.account_organization_id = accounts.organization_id
        and closed.closed_on >= accounts.held_from
        and closed.closed_on < accounts.held_before
    inner join {{ ref('int_billing_spells') }} as spells
        on accounts.account_id = spells.account_id
        and closed.closed_on >= spells.held_from
        and closed.closed_on < spells.held_before
    group by closed.account_organization_id, closed.closed_on
),

bills as (
    select
        closed.account_organization_id,
        {{ month_of(dbt.dateadd('day', -1, 'closed.period_end')) }} as month,
        sum(closed.bill_usd - coalesce(terms.startup_credit_usd, 0)) as bill_usd
    from {{ ref('int_closed_bills') }} as closed
    left join terms
        on closed.account_organization_id = terms.account_organization_id
        and closed.closed_on = terms.closed_on
    where closed.bill_usd > coalesce(terms.startup_credit_usd, 0) and not coalesce(terms.is_on_trial, false)
    group by closed.account_organization_id, {{ month_of(dbt.dateadd('day', -1, 'closed.period_end')) }}
),

not_invoiced as (
    select bills.account_organization_id, bills.month, bills.bill_usd
    from bills
    inner join {{ ref('int_data_day') }} as data_day on bills.month <= data_day.last_closed_month
    left join (
        select distinct periods.account_organization_id, periods.month
        from {{ ref('int_invoice_line_periods') }} as periods
    ) as invoiced
        on bills.account_organization_id = invoiced.account_organization_id
        and bills.month = invoiced.month
    where invoiced.month is null
),

invoiced_months as (
    select month, sum(mrr_usd_month) as mrr_usd_month
    from {{ ref('fct_mrr_monthly') }}
    group by month
),

open_months as (
    select
        missing.month,
        {{ ratio('missing.bill_usd', '(missing.bill_usd + coalesce(invoiced.mrr_usd_month, 0))') }} as share
    from (select month, sum(bill_usd) as bill_usd from not_invoiced group by month) as missing
    left join invoiced_months as invoiced on missing.month = invoiced.month
    where
        missing.bill_usd > {{ threshold('closed_month_not_invoiced_share') }}
        * (missing.bill_usd + coalesce(invoiced.mrr_usd_month, 0))
),

findings as (
    select
        'usage_outside_of_history' as finding,
        organization_id || ' ' || cast(date as {{ dbt.type_string() }}) as subject,
        cast(organizations as decimal(38, 6)) as figure,
        'organizations that reported the day' as unit
    from reports_left_out

    union all

    select 'usage_day_without_quorum', cast(days.date as {{ dbt.type_string() }}), days.organizations,
        'organizations that reported the day'
    from {{ ref('int_usage_days') }} as days
    inner join {{ ref('int_data_day') }} as data_day
        on days.date >= data_day.first_usage_day
        and days.date <= data_day.as_of_date
    where not days.has_quorum

    union all

    select
        case
            when versions.current_period_end_at <= versions.current_period_start_at then 'billing_period_ends_before_it_starts'
            else 'billing_period_too_long'
        end,
        versions.organization_id,
        {{ dbt.datediff('versions.current_period_start_at', 'versions.current_period_end_at', 'day') }},
        'days'
    from {{ ref('int_billing_versions') }} as versions
    inner join {{ ref('int_organizations') }} as organizations
        on versions.organization_id = organizations.organization_id
    where versions.is_current and {{ is_no_period('versions') }}

    union all

    select
        'closed_month_not_invoiced',
        cast(month as {{ dbt.type_string() }}),
        cast(share as decimal(38, 6)),
        'share of the MRR expected of the month'
    from open_months

    union all

    select 'bill_not_invoiced', bills.account_organization_id || ' ' || cast(bills.month as {{ dbt.type_string() }}),
        cast(bills.bill_usd as decimal(38, 6)), 'USD'
    from not_invoiced as bills
    inner join open_months on bills.month = open_months.month
)

select finding, subject, cast(figure as decimal(38, 6)) as figure, unit
from findings

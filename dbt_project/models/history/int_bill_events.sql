{{ config(materialized='view') }}

{#- Stripe keeps no history of a bill's status, so an unpaid bill stands on the day on which it was made. Credit ends with
    the contract, or on the first day on which the startup plan is over by its date or by billing. -#}
with unpaid as (
    select
        accounts.customer_id,
        cast(invoices.created_at as date) as day,
        invoices.invoice_id,
        invoices.status,
        cast(
            invoices.total_minor * {{ usd_per_minor_unit('invoices.currency', 'rates') }} as decimal(24, 4)
        ) as total_usd
    from {{ ref('stg_stripe__invoices') }} as invoices
    inner join {{ ref('int_billing_accounts') }} as accounts
        on invoices.stripe_customer_id = accounts.stripe_customer_id
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('int_exchange_rates') }} as rates
        on invoices.currency = rates.currency
        and {{ month_of('invoices.created_at') }} = rates.month
    where
        invoices.is_livemode
        and invoices.status in ('open', 'uncollectible')
        and invoices.total_minor > 0
        and invoices.created_at < data_day.as_of_ts
),

startup_plans as (
    select
        organization_id,
        startup_program,
        min(startup_plan_start_at) as starts_at,
        min(valid_from) as known_from,
        max(valid_to) as known_before,
        max(case when is_current then credit_expires_at end) as expires_at
    from {{ ref('int_billing_versions') }}
    where startup_program is not null
    group by organization_id, startup_program
),

contracts as (
    select
        organization_id,
        annual_plan_start_at as starts_at,
        annual_plan_end_at as ends_at,
        row_number() over (partition by organization_id, annual_plan_start_at order by valid_from desc) as version_rank
    from {{ ref('int_billing_versions') }}
    where annual_plan_start_at is not null
),

credit as (
    select
        organization_id,
        'startup_credit' as subject,
        startup_program as what,
        cast(coalesce(starts_at, known_from) as date) as starts_on,
        cast(least(known_before, coalesce(expires_at, known_before)) as date) as ends_on
    from startup_plans

    union all

    select organization_id, 'prepaid', null, cast(starts_at as date), cast(ends_at as date)
    from contracts
    where version_rank = 1
),

credit_days as (
    select organization_id, 'credit_started' as kind, subject, what, starts_on as day
    from credit

    union all

    select organization_id, 'credit_ended', subject, what, ends_on
    from credit
)

select
    customer_id,
    paid_on as day,
    'bill_paid' as kind,
    invoice_id as subject,
    'paid' as what,
    cast(paid_usd as decimal(24, 4)) as figure,
    'USD' as unit,
    'stripe.invoices' as source_table
from {{ ref('int_paid_bills') }}

union all

select customer_id, day, 'bill_unpaid', invoice_id, status, total_usd, 'USD', 'stripe.invoices'
from unpaid

union all

select
    members.customer_id,
    greatest(credit_days.day, cast(organizations.created_at as date)),
    credit_days.kind,
    credit_days.subject,
    max(credit_days.what),
    cast(null as decimal(24, 4)),
    cast(null as {{ dbt.type_string() }}),
    'billing.billing_customers'
from credit_days
inner join {{ ref('int_customers') }} as members on credit_days.organization_id = members.organization_id
inner join {{ ref('int_organizations') }} as organizations on credit_days.organization_id = organizations.organization_id
cross join {{ ref('int_data_day') }} as data_day
where credit_days.day <= data_day.as_of_date
group by
    members.customer_id, greatest(credit_days.day, cast(organizations.created_at as date)), credit_days.kind,
    credit_days.subject

{#- The periods whose usage an invoice bills: those of its lines of usage, or, if it has none, the invoice's own. Lines that
    start on one day, at whatever hours, are one period, to the last of their ends. -#}
with usage_lines as (
    select
        invoice_id,
        min(period_start_at) as period_start_at,
        max(period_end_at) as period_end_at
    from {{ ref('int_invoice_lines') }}
    where is_mrr and not is_proration and not is_package and product_key <> 'unmapped'
    group by invoice_id, cast(period_start_at as date)
),

{#- A package on a subscription of its own, or a proration, bills no usage that another invoice bills. -#}
billed_elsewhere as (
    select distinct invoices.invoice_id
    from {{ ref('int_invoices') }} as invoices
    inner join {{ ref('int_invoice_lines') }} as lines
        on invoices.invoice_id = lines.invoice_id
        and (lines.is_package or lines.is_proration)
    inner join {{ ref('int_invoices') }} as others
        on invoices.stripe_customer_id = others.stripe_customer_id
        and invoices.invoice_id <> others.invoice_id
    inner join usage_lines
        on others.invoice_id = usage_lines.invoice_id
        and usage_lines.period_start_at < invoices.period_end_at
        and usage_lines.period_end_at > invoices.period_start_at
),

periods as (
    select invoice_id, period_start_at, period_end_at
    from usage_lines

    union all

    select invoices.invoice_id, invoices.period_start_at, invoices.period_end_at
    from {{ ref('int_invoices') }} as invoices
    left join usage_lines on invoices.invoice_id = usage_lines.invoice_id
    left join billed_elsewhere on invoices.invoice_id = billed_elsewhere.invoice_id
    where
        usage_lines.invoice_id is null
        and billed_elsewhere.invoice_id is null
        and invoices.subscription_id is not null
)

select
    periods.invoice_id,
    invoices.stripe_customer_id,
    invoices.account_organization_id,
    invoices.terms_organization_id,
    invoices.billing_version_at,
    invoices.currency,
    cast(periods.period_start_at as date) as period_start_on,
    cast(periods.period_end_at as date) as period_end_on,
    {{ month_of(last_instant('periods.period_end_at')) }} as month
from periods
inner join {{ ref('int_invoices') }} as invoices on periods.invoice_id = invoices.invoice_id
where cast(periods.period_end_at as date) > cast(periods.period_start_at as date)

{#- Doubts about invoices and their lines. They are counted as sent, except for a line of an unknown kind, which is
    not MRR. -#}
with line_sums as (
    select
        invoice_id,
        sum(amount_minor + inclusive_tax_minor) as gross_minor,
        sum(discount_minor) as discount_minor,
        sum(credit_grant_minor) as credit_grant_minor,
        sum(inclusive_tax_minor) as inclusive_tax_minor,
        sum(coalesce(exclusive_tax_minor, 0)) as exclusive_tax_minor,
        max(case when is_recurring then 1 else 0 end) as has_recurring,
        max(case when names_subscription then 1 else 0 end) as names_subscription
    from {{ ref('int_invoice_lines') }}
    group by invoice_id
),

invoices as (
    select
        counted.invoice_id,
        counted.currency,
        counted.is_on_startup_plan or counted.is_prepaid as may_use_credit,
        counted.subscription_id is not null or coalesce(lines.names_subscription = 1, false) as has_subscription,
        coalesce(lines.has_recurring = 0, false) as has_only_others,
        sent.subtotal_minor,
        sent.total_minor,
        coalesce(lines.gross_minor, 0) as gross_minor,
        coalesce(lines.discount_minor, 0) as discount_minor,
        coalesce(lines.credit_grant_minor, 0) as credit_grant_minor,
        coalesce(
            sent.exclusive_tax_minor, sent.tax_minor - coalesce(lines.inclusive_tax_minor, 0), lines.exclusive_tax_minor, 0
        ) as exclusive_tax_minor
    from {{ ref('int_invoices') }} as counted
    inner join {{ ref('stg_stripe__invoices') }} as sent on counted.invoice_id = sent.invoice_id
    left join line_sums as lines on counted.invoice_id = lines.invoice_id
),

findings as (
    {#- Stripe's subtotal is before or after the lines' own discounts and the credit grants that paid them. -#}
    select
        'invoice_lines_differ_from_subtotal' as finding,
        invoice_id as subject,
        gross_minor - subtotal_minor as figure,
        'minor units of ' || currency || ', lines less subtotal' as unit
    from invoices
    where
        subtotal_minor <> gross_minor
        and subtotal_minor <> gross_minor - discount_minor
        and subtotal_minor <> gross_minor - discount_minor - credit_grant_minor

    union all

    select
        'invoice_total_not_explained',
        invoice_id,
        gross_minor - discount_minor - credit_grant_minor + exclusive_tax_minor - total_minor,
        'minor units of ' || currency || ', lines less discounts and credit grants, with tax, less total'
    from invoices
    where total_minor <> gross_minor - discount_minor - credit_grant_minor + exclusive_tax_minor

    union all

    select 'credit_grant_outside_a_plan', invoice_id, credit_grant_minor, 'minor units of ' || currency
    from invoices
    where credit_grant_minor <> 0 and not may_use_credit

    union all

    select 'subscription_without_recurring_line', invoice_id, gross_minor, 'minor units of ' || currency
    from invoices
    where has_subscription and has_only_others

    union all

    select 'line_of_unknown_kind', line_name, amount_minor, 'minor units of ' || currency
    from {{ ref('int_invoice_lines') }}
    where line_kind = 'unknown'

    union all

    select 'line_ends_before_it_starts', line_name, net_minor, 'minor units of ' || currency
    from {{ ref('int_invoice_lines') }}
    where is_mrr and period_end_at < period_start_at
)

select finding, subject, cast(figure as decimal(38, 6)) as figure, unit
from findings

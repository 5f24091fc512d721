{#- What every invoiced period is to be rated by: the account's pooled usage and its packages, with the terms that held
    when the invoice was made. -#}
with usage as (
    select invoice_id, period_start_on, product_key, quantity
    from {{ ref('int_invoiced_quantities') }}
    where product_key is not null
),

packages as (
    select
        lines.invoice_id,
        lines.product_key,
        lines.currency,
        invoices.terms_organization_id,
        invoices.billing_version_at,
        cast(lines.period_start_at as date) as period_start_on,
        min(lines.period_start_at) as period_start_at,
        max(lines.period_end_at) as period_end_at
    from {{ ref('int_invoice_lines') }} as lines
    inner join {{ ref('int_invoices') }} as invoices on lines.invoice_id = invoices.invoice_id
    where lines.is_mrr and not lines.is_proration and lines.is_package
    group by
        lines.invoice_id, lines.product_key, lines.currency, invoices.terms_organization_id, invoices.billing_version_at,
        cast(lines.period_start_at as date)
),

billed as (
    select
        usage.invoice_id,
        usage.product_key,
        usage.period_start_on,
        periods.period_end_on,
        periods.month,
        periods.currency,
        periods.terms_organization_id,
        periods.billing_version_at,
        usage.quantity,
        false as is_package
    from usage
    inner join {{ ref('int_invoice_line_periods') }} as periods
        on usage.invoice_id = periods.invoice_id
        and usage.period_start_on = periods.period_start_on

    union all

    select
        invoice_id,
        product_key,
        period_start_on,
        cast(period_end_at as date) as period_end_on,
        {{ month_of(last_instant('period_end_at')) }} as month,
        currency,
        terms_organization_id,
        billing_version_at,
        cast({{ months_covered('period_start_at', 'period_end_at') }} as decimal(24, 6)) as quantity,
        true as is_package
    from packages
)

select
    billed.invoice_id,
    billed.product_key,
    billed.period_start_on,
    billed.period_end_on,
    cast({{ dbt.dateadd('day', -1, 'billed.period_end_on') }} as date) as priced_on,
    billed.month,
    billed.currency,
    billed.quantity,
    billed.is_package or subscribed.product_key is not null as is_subscribed,
    coalesce(terms.discount_percent, 0) as discount_percent,
    case when not billed.is_package then limits.limit_usd end as limit_usd
from billed
left join {{ ref('int_billing_versions') }} as terms
    on billed.terms_organization_id = terms.organization_id
    and billed.billing_version_at = terms.updated_at
{{ join_terms_of_product('billed.terms_organization_id', 'billed.billing_version_at', 'billed.product_key') }}

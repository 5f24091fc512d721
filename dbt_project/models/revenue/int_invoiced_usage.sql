{#- What every invoiced period is to be rated by: the account's pooled usage and its packages, with the terms that held
    when the invoice was made. Where several invoices overlap, as of several subscriptions, a product is rated on those that
    bill it; of several for one period on the newest of them. -#}
with billed_products as (
    select
        invoice_id,
        product_key,
        cast(period_start_at as date) as period_start_on,
        max(case when net_minor <> 0 then 2 else 1 end) as weight
    from {{ ref('int_invoice_lines') }}
    where is_mrr and not is_proration and not is_package
    group by invoice_id, product_key, cast(period_start_at as date)
),

billed_on_others as (
    select distinct
        periods.invoice_id,
        periods.period_start_on,
        billed_products.product_key
    from {{ ref('int_invoice_line_periods') }} as periods
    inner join {{ ref('int_invoice_line_periods') }} as others
        on periods.stripe_customer_id = others.stripe_customer_id
        and periods.invoice_id <> others.invoice_id
        and periods.period_start_on < others.period_end_on
        and periods.period_end_on > others.period_start_on
    inner join billed_products
        on others.invoice_id = billed_products.invoice_id
        and others.period_start_on = billed_products.period_start_on
),

usage as (
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
        row_number() over (
            partition by periods.stripe_customer_id, usage.period_start_on, periods.period_end_on, usage.product_key
            order by coalesce(billed_products.weight, 0) desc, invoices.created_at desc, usage.invoice_id
        ) as choice
    from {{ ref('int_invoiced_quantities') }} as usage
    inner join {{ ref('int_invoice_line_periods') }} as periods
        on usage.invoice_id = periods.invoice_id
        and usage.period_start_on = periods.period_start_on
    inner join {{ ref('int_invoices') }} as invoices on usage.invoice_id = invoices.invoice_id
    left join billed_products
        on usage.invoice_id = billed_products.invoice_id
        and usage.period_start_on = billed_products.period_start_on
        and usage.product_key = billed_products.product_key
    left join billed_on_others
        on usage.invoice_id = billed_on_others.invoice_id
        and usage.period_start_on = billed_on_others.period_start_on
        and usage.product_key = billed_on_others.product_key
    where
        usage.product_key is not null
        and (billed_products.product_key is not null or billed_on_others.product_key is null)
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
        invoice_id,
        product_key,
        period_start_on,
        period_end_on,
        month,
        currency,
        terms_organization_id,
        billing_version_at,
        quantity,
        false as is_package
    from usage
    where choice = 1

    union all

    select
        invoice_id,
        product_key,
        period_start_on,
        cast(period_end_at as date) as period_end_on,
        {{ month_of(last_instant(
            'case when period_end_at > period_start_at then period_end_at else '
            ~ dbt.dateadd('second', 1, 'period_start_at') ~ ' end'
        )) }} as month,
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
    greatest(cast({{ dbt.dateadd('day', -1, 'billed.period_end_on') }} as date), billed.period_start_on) as priced_on,
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

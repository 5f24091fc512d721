{#- What was left out of figures, or counted with a doubt. -#}
with invoices_without_organization as (
    select invoices.stripe_customer_id, count(*) as invoices
    from {{ ref('stg_stripe__invoices') }} as invoices
    inner join {{ ref('invoice_statuses') }} as statuses
        on invoices.status = statuses.status
        and statuses.is_counted
    left join {{ ref('int_stripe_customer_links') }} as links
        on invoices.stripe_customer_id = links.stripe_customer_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        links.stripe_customer_id is null
        and invoices.is_livemode
        and invoices.created_at < data_day.as_of_ts
    group by invoices.stripe_customer_id
),

{#- Every figure is cast by itself: the type that a union finds for cents beside whole numbers of 38 digits drops the cents. -#}
findings as (
    select
        'usage_counter_without_product' as finding,
        counter as subject,
        cast(total as decimal(38, 6)) as figure,
        'units' as unit
    from {{ ref('int_unmapped_usage_counters') }}

    union all

    select 'used_product_without_price', usage.product_key, cast(sum(usage.quantity) as decimal(38, 6)),
        'billed units'
    from {{ ref('int_usage_months') }} as usage
    left join (select distinct product_key from {{ ref('price_list') }}) as priced
        on usage.product_key = priced.product_key
    where priced.product_key is null
    group by usage.product_key

    union all

    select 'usage_before_sign_up', organizations.organization_id,
        cast({{ dbt.datediff('usage.first_used_on', 'organizations.created_at', 'day') }} as decimal(38, 6)),
        'days before sign-up'
    from {{ ref('int_organizations') }} as organizations
    inner join {{ ref('int_usage_by_organization') }} as usage
        on organizations.organization_id = usage.organization_id
    where usage.first_used_on < cast(organizations.created_at as date)

    union all

    select 'invoiced_product_unmapped', coalesce(stripe_product_id, 'no product'),
        cast(sum(net_minor) as decimal(38, 6)), 'minor units invoiced'
    from {{ ref('int_invoice_lines') }}
    where product_key = 'unmapped' and is_mrr
    group by stripe_product_id

    union all

    select 'invoice_differs_from_rated_usage', invoice_id || ' ' || product_key,
        cast(difference_minor as decimal(38, 6)),
        'minor units of ' || currency || ' invoiced above rated'
    from {{ ref('int_invoices_that_differ') }}

    union all

    select 'month_without_exchange_rate', currency || ' ' || cast(month as {{ dbt.type_string() }}),
        cast(sum(list_minor) as decimal(38, 6)),
        'minor units left out'
    from {{ ref('int_mrr_lines') }}
    where not has_exchange_rate
    group by currency, month

    union all

    select 'invoices_without_organization', stripe_customer_id, cast(invoices as decimal(38, 6)),
        'invoices left out'
    from invoices_without_organization

    union all

    select 'row_replaced_by_another', file || ' row ' || cast(position as {{ dbt.type_string() }}), cast(1 as decimal(38, 6)),
        'rows replaced'
    from {{ ref('stg_load__replaced_rows') }}

    union all

    {% for findings in [
        ref('int_revenue_findings'), ref('int_calendar_findings'), ref('int_invoice_findings'),
        ref('int_billing_findings'), ref('int_enrichment_findings'),
    ] -%}
    select finding, subject, cast(figure as decimal(38, 6)), unit
    from {{ findings }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    findings.finding,
    findings.subject,
    findings.figure,
    findings.unit,
    kinds.source_table,
    kinds.what_to_do
from findings
left join {{ ref('findings') }} as kinds on findings.finding = kinds.finding

with lines as (
    select
        lines.invoice_id,
        lines.line_number,
        lines.line_id,
        lines.customer_id,
        lines.account_organization_id,
        lines.product_key,
        lines.currency,
        lines.period_start_at,
        lines.period_end_at,
        lines.amount_minor,
        lines.discount_minor,
        lines.startup_credit_minor,
        coalesce(credited.credited_minor, 0) as credited_minor,
        {{ months_covered('lines.period_start_at', 'lines.period_end_at') }} as slices
    from {{ ref('int_invoice_lines') }} as lines
    left join {{ ref('int_credited_lines') }} as credited
        on lines.invoice_id = credited.invoice_id
        and lines.line_number = credited.line_number
    where lines.is_mrr
),

slices as (
    {{ in_month_slices('lines') | indent }}
),

dated as (
    select
        invoice_id,
        line_number,
        line_id,
        slice_number,
        customer_id,
        account_organization_id,
        product_key,
        currency,
        {{ month_of(last_instant(
            'case when slice_number < slices then '
            ~ dbt.dateadd('month', 'slice_number', 'period_start_at')
            ~ ' when period_end_at > period_start_at then period_end_at else '
            ~ dbt.dateadd('second', 1, 'period_start_at') ~ ' end'
        )) }} as month,
        {{ month_slice('amount_minor') }} as list_minor,
        {{ month_slice('discount_minor') }} as discount_minor,
        {{ month_slice('startup_credit_minor') }} as startup_credit_minor,
        {{ month_slice('credited_minor') }} as credited_minor
    from slices
),

converted as (
    {{ with_exchange_rate('dated') | indent }}
)

select
    converted.invoice_id,
    converted.line_number,
    converted.line_id,
    converted.slice_number,
    converted.customer_id,
    converted.account_organization_id,
    converted.product_key,
    converted.currency,
    converted.month,
    invoices.is_on_startup_plan,
    converted.list_minor,
    converted.discount_minor,
    converted.startup_credit_minor,
    converted.credited_minor,
    converted.usd_per_minor_unit,
    converted.usd_per_minor_unit is not null as has_exchange_rate,
    {{ round_half_up('converted.list_minor * converted.usd_per_minor_unit') }} as list_usd,
    {{ round_half_up('converted.discount_minor * converted.usd_per_minor_unit') }} as discount_usd,
    {{ round_half_up('converted.startup_credit_minor * converted.usd_per_minor_unit') }} as credit_applied_usd,
    {{ round_half_up('converted.credited_minor * converted.usd_per_minor_unit') }} as refund_usd
from converted
inner join {{ ref('int_invoices') }} as invoices on converted.invoice_id = invoices.invoice_id

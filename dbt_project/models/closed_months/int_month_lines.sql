{{ config(materialized='view') }}

{#- What `growth close` writes, and what is compared with it later: lines that count, by their parts in the month; and the
    other lines of these invoices, so that one that counts later is known. A view: nobody pays for it before a month is
    closed. -#}
with counted as (
    select
        invoice_id, line_number, slice_number, month, customer_id, product_key, usd_per_minor_unit, list_minor,
        discount_minor, startup_credit_minor, credited_minor,
        list_usd - discount_usd - credit_applied_usd - refund_usd as mrr_usd
    from {{ ref('int_mrr_lines') }}
    where has_exchange_rate
),

uncounted as (
    select
        lines.invoice_id,
        lines.line_number,
        {{ month_of(last_instant(
            'case when lines.period_end_at > lines.period_start_at then lines.period_end_at else '
            ~ dbt.dateadd('second', 1, 'lines.period_start_at') ~ ' end'
        )) }} as month
    from {{ ref('int_invoice_lines') }} as lines
    left join (select distinct invoice_id, line_number from counted) as known
        on lines.invoice_id = known.invoice_id
        and lines.line_number = known.line_number
    where known.invoice_id is null
),

parts as (
    select counted.*, true as is_counted
    from counted

    union all

    select
        invoice_id,
        line_number,
        0 as slice_number,
        month,
        null as customer_id,
        null as product_key,
        null as usd_per_minor_unit,
        0 as list_minor,
        0 as discount_minor,
        0 as startup_credit_minor,
        0 as credited_minor,
        0 as mrr_usd,
        false as is_counted
    from uncounted
)

select
    parts.month,
    parts.invoice_id,
    parts.line_number,
    parts.slice_number,
    data_day.as_of_date as closed_as_of,
    invoices.status as invoice_status,
    invoices.created_at as invoice_created_at,
    parts.is_counted,
    coalesce(parts.customer_id, lines.customer_id) as customer_id,
    coalesce(parts.product_key, lines.product_key) as product_key,
    lines.currency,
    parts.usd_per_minor_unit,
    lines.amount_minor as line_amount_minor,
    lines.discount_minor as line_discount_minor,
    parts.list_minor,
    parts.discount_minor,
    parts.startup_credit_minor,
    parts.credited_minor,
    cast(parts.mrr_usd as decimal(22, 2)) as mrr_usd
from parts
inner join {{ ref('int_invoice_lines') }} as lines
    on parts.invoice_id = lines.invoice_id
    and parts.line_number = lines.line_number
inner join {{ ref('int_invoices') }} as invoices on parts.invoice_id = invoices.invoice_id
cross join {{ ref('int_data_day') }} as data_day
where parts.month <= data_day.last_closed_month

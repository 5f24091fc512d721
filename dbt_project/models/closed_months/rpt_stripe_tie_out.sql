{#- From what Stripe invoiced in a month to the MRR of that month. Amounts are added up unrounded at the rate of the invoice's
    month, so that rounding leaves no rest; rates of other months and cents of slices are the difference of currency. Whatever
    these steps do not lead to is unexplained. -#}
{%- set steps = [
    'invoiced', 'void_or_draft', 'of_no_customer', 'tax', 'one_off', 'prepaid_credit', 'proration', 'credit_grant',
    'not_in_lines', 'startup_credit', 'credit_note',
] -%}

with lines as (
    select
        lines.invoice_id,
        sum(lines.net_minor) as net_minor,
        sum(lines.inclusive_tax_minor) as inclusive_tax_minor,
        sum(lines.exclusive_tax_minor) as exclusive_tax_minor,
        sum(lines.credit_grant_minor) as credit_grant_minor,
        sum(case when products.is_credit then lines.net_minor else 0 end) as prepaid_credit_minor,
        sum(
            case when coalesce(products.is_credit, false) or lines.is_recurring then 0 else lines.net_minor end
        ) as one_off_minor,
        sum(
            case
                when coalesce(products.is_credit, false) or not lines.is_recurring or lines.is_mrr then 0
                else lines.net_minor
            end
        ) as proration_minor,
        sum(case when lines.is_mrr then lines.startup_credit_minor else 0 end) as startup_credit_minor,
        sum(case when lines.is_mrr then coalesce(credited.credited_minor, 0) else 0 end) as credit_note_minor
    from {{ ref('int_invoice_lines') }} as lines
    left join {{ ref('products') }} as products on lines.product_key = products.product_key
    left join {{ ref('int_credited_lines') }} as credited
        on lines.invoice_id = credited.invoice_id
        and lines.line_number = credited.line_number
    group by lines.invoice_id
),

slices as (
    select
        invoice_id,
        sum(list_minor - discount_minor - startup_credit_minor - credited_minor) as mrr_minor,
        sum(list_usd - discount_usd - credit_applied_usd - refund_usd) as mrr_usd
    from {{ ref('int_mrr_lines') }}
    group by invoice_id
),

invoices as (
    select
        sent.invoice_id,
        {{ month_of('sent.created_at') }} as month,
        sent.currency,
        coalesce(sent.total_minor, 0) as total_minor,
        statuses.is_counted as has_counted_status,
        counted.invoice_id is not null as is_counted,
        coalesce(
            sent.exclusive_tax_minor, sent.tax_minor - coalesce(lines.inclusive_tax_minor, 0), lines.exclusive_tax_minor, 0
        ) + coalesce(lines.inclusive_tax_minor, 0) as tax_minor,
        {% for part in [
            'net', 'credit_grant', 'prepaid_credit', 'one_off', 'proration', 'startup_credit', 'credit_note'
        ] -%}
        coalesce(lines.{{ part }}_minor, 0) as {{ part }}_minor,
        {% endfor -%}
        coalesce(slices.mrr_minor, 0) as mrr_minor,
        coalesce(slices.mrr_usd, 0) as mrr_usd
    from {{ ref('stg_stripe__invoices') }} as sent
    inner join {{ ref('invoice_statuses') }} as statuses on sent.status = statuses.status
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('int_invoices') }} as counted on sent.invoice_id = counted.invoice_id
    left join lines on counted.invoice_id = lines.invoice_id
    left join slices on counted.invoice_id = slices.invoice_id
    where sent.is_livemode and sent.created_at < data_day.as_of_ts
),

signed as (
    select
        invoices.month,
        cast(coalesce({{ usd_per_minor_unit('invoices.currency', 'rates') }}, 0) as decimal(24, 14)) as usd_per_minor_unit,
        invoices.total_minor as invoiced,
        case when invoices.has_counted_status then 0 else -invoices.total_minor end as void_or_draft,
        case when invoices.has_counted_status and not invoices.is_counted then -invoices.total_minor else 0 end as of_no_customer,
        {% for part, sign in [
            ('tax', '-'), ('one_off', '-'), ('prepaid_credit', '-'), ('proration', '-'), ('credit_grant', ''),
            ('startup_credit', '-'), ('credit_note', '-'),
        ] -%}
        case when invoices.is_counted then {{ sign }}invoices.{{ part }}_minor else 0 end as {{ part }},
        {% endfor -%}
        case
            when invoices.is_counted
                then invoices.net_minor + invoices.tax_minor - invoices.credit_grant_minor - invoices.total_minor
            else 0
        end as not_in_lines,
        invoices.mrr_minor,
        invoices.mrr_usd
    from invoices
    left join {{ ref('int_exchange_rates') }} as rates
        on invoices.month = rates.month
        and invoices.currency = rates.currency
),

stripe_months as (
    select
        month,
        {% for step in steps -%}
        sum(cast({{ step }} as decimal(20, 0)) * usd_per_minor_unit) as {{ step }}_usd,
        {% endfor -%}
        sum(cast(mrr_minor as decimal(20, 0)) * usd_per_minor_unit) as sliced_usd,
        sum(mrr_usd) as mrr_usd
    from signed
    group by month
),

line_months as (
    select month, sum(list_usd - discount_usd - credit_applied_usd - refund_usd) as mrr_usd
    from {{ ref('int_mrr_lines') }}
    where has_exchange_rate
    group by month
),

months as (
    select
        mrr.month,
        {% for step in steps -%}
        {{ usd('coalesce(stripe_months.' ~ step ~ '_usd, 0)') }} as {{ step }}_usd,
        {% endfor -%}
        {{ usd('coalesce(line_months.mrr_usd, 0) - coalesce(stripe_months.mrr_usd, 0)') }} as other_months_usd,
        {{ usd(
            'mrr.mrr_usd_month - coalesce(line_months.mrr_usd, 0) + coalesce(stripe_months.sliced_usd - (stripe_months.'
            ~ (steps | join('_usd + stripe_months.')) ~ '_usd), 0)'
        ) }} as unexplained_usd,
        {{ usd('mrr.mrr_usd_month') }} as mrr_usd_month
    from (select month, sum(mrr_usd_month) as mrr_usd_month from {{ ref('fct_mrr_monthly') }} group by month) as mrr
    left join stripe_months on mrr.month = stripe_months.month
    left join line_months on mrr.month = line_months.month
)

select
    months.month,
    {% for step in steps -%}
    months.{{ step }}_usd,
    {% endfor -%}
    months.other_months_usd,
    {{ usd(
        'months.mrr_usd_month - months.unexplained_usd - months.other_months_usd - (months.'
        ~ (steps | join('_usd + months.')) ~ '_usd)'
    ) }} as currency_usd,
    months.unexplained_usd,
    months.mrr_usd_month,
    data_day.as_of_date
from months
cross join {{ ref('int_data_day') }} as data_day

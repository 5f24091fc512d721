{#- What each line adds to MRR today less what it added when its month was closed, by cause. A line on both sides may have
    several causes: each is valued with those before it done, so that they add up to the cent. First the amounts, then
    startup credit, credit notes, the exchange rate, and at last to whom and to which product it counts. -#}
with closed as (
    select
        lines.month,
        lines.invoice_id,
        lines.line_number,
        lines.slice_number,
        lines.closed_as_of,
        lines.invoice_status,
        lines.is_counted,
        lines.customer_id,
        lines.product_key,
        lines.currency,
        lines.usd_per_minor_unit,
        lines.line_amount_minor,
        lines.line_discount_minor,
        lines.list_minor,
        lines.discount_minor,
        lines.startup_credit_minor,
        lines.credited_minor,
        lines.mrr_usd
    from {{ ref('stg_closed_months__mrr_lines') }} as lines
    inner join {{ ref('int_data_day') }} as data_day on lines.closed_as_of <= data_day.as_of_date
),

closings as (
    select month, max(closed_as_of) as closed_as_of
    from closed
    group by month
),

current_lines as (
    select lines.*, closings.closed_as_of as month_closed_as_of
    from {{ ref('int_month_lines') }} as lines
    inner join closings on lines.month = closings.month
),

known_lines as (
    select
        invoice_id,
        line_number,
        max(line_amount_minor) as line_amount_minor,
        max(line_discount_minor) as line_discount_minor,
        max(case when is_counted then 1 else 0 end) as was_counted
    from closed
    group by invoice_id, line_number
),

billed_then as (
    select distinct month, customer_id, product_key
    from closed
    where is_counted
),

came as (
    select
        lines.month,
        lines.invoice_id,
        lines.line_number,
        lines.customer_id,
        lines.product_key,
        lines.mrr_usd as difference_usd,
        case
            when unchanged.was_counted = 0 and lines.currency <> 'usd' then 'currency'
            when unchanged.invoice_id is not null then 'rule_changed'
            when known_invoices.invoice_id is not null then 'invoice_changed'
            when cast(lines.invoice_created_at as date) <= lines.month_closed_as_of then 'counted_later'
            when billed_then.month is not null then 'late_usage'
            else 'late_invoice'
        end as cause
    from current_lines as lines
    left join closed
        on lines.month = closed.month
        and lines.invoice_id = closed.invoice_id
        and lines.line_number = closed.line_number
        and lines.slice_number = closed.slice_number
        and closed.is_counted
    left join known_lines as unchanged
        on lines.invoice_id = unchanged.invoice_id
        and lines.line_number = unchanged.line_number
        and lines.line_amount_minor = unchanged.line_amount_minor
        and lines.line_discount_minor = unchanged.line_discount_minor
    left join (select distinct invoice_id from known_lines) as known_invoices
        on lines.invoice_id = known_invoices.invoice_id
    left join billed_then
        on lines.month = billed_then.month
        and lines.customer_id = billed_then.customer_id
        and lines.product_key = billed_then.product_key
    where lines.is_counted and closed.invoice_id is null
),

went as (
    select
        closed.month,
        closed.invoice_id,
        closed.line_number,
        closed.customer_id,
        closed.product_key,
        -1 * closed.mrr_usd as difference_usd,
        case
            when unchanged.is_mrr and closed.currency <> 'usd' and rates.month is null then 'currency'
            when unchanged.invoice_id is not null then 'rule_changed'
            when invoices.invoice_id is not null then 'invoice_changed'
            when sent.status is null or sent.status <> closed.invoice_status then 'invoice_not_counted'
            when not coalesce(statuses.is_counted, false) then 'rule_changed'
            else 'account_left'
        end as cause
    from closed
    left join current_lines
        on closed.month = current_lines.month
        and closed.invoice_id = current_lines.invoice_id
        and closed.line_number = current_lines.line_number
        and closed.slice_number = current_lines.slice_number
        and current_lines.is_counted
    left join {{ ref('int_invoices') }} as invoices on closed.invoice_id = invoices.invoice_id
    left join {{ ref('int_invoice_lines') }} as unchanged
        on invoices.invoice_id = unchanged.invoice_id
        and closed.line_number = unchanged.line_number
        and closed.line_amount_minor = unchanged.amount_minor
        and closed.line_discount_minor = unchanged.discount_minor
    left join {{ ref('int_exchange_rates') }} as rates
        on closed.month = rates.month
        and closed.currency = rates.currency
    left join {{ ref('stg_stripe__invoices') }} as sent on closed.invoice_id = sent.invoice_id
    left join {{ ref('invoice_statuses') }} as statuses on sent.status = statuses.status
    where closed.is_counted and current_lines.invoice_id is null
),

stayed as (
    select
        closed.month,
        closed.invoice_id,
        closed.line_number,
        closed.customer_id,
        lines.customer_id as customer_id_now,
        closed.product_key,
        lines.product_key as product_key_now,
        closed.line_amount_minor <> lines.line_amount_minor
        or closed.line_discount_minor <> lines.line_discount_minor as is_line_changed,
        closed.mrr_usd,
        lines.mrr_usd as mrr_usd_now,
        {% for step, minors in [
            ('with_amounts', ['lines.list_minor', 'lines.discount_minor', 'closed.startup_credit_minor', 'closed.credited_minor']),
            ('with_credit', ['lines.list_minor', 'lines.discount_minor', 'lines.startup_credit_minor', 'closed.credited_minor']),
            ('with_notes', ['lines.list_minor', 'lines.discount_minor', 'lines.startup_credit_minor', 'lines.credited_minor']),
        ] -%}
        {{ round_half_up(minors[0] ~ ' * closed.usd_per_minor_unit') }}
        {%- for minor in minors[1:] %}
        - {{ round_half_up(minor ~ ' * closed.usd_per_minor_unit') }}
        {%- endfor %} as mrr_usd_{{ step }}{{ ',' if not loop.last }}
        {% endfor %}
    from closed
    inner join current_lines as lines
        on closed.month = lines.month
        and closed.invoice_id = lines.invoice_id
        and closed.line_number = lines.line_number
        and closed.slice_number = lines.slice_number
    where closed.is_counted and lines.is_counted
),

changed as (
    {% for cause, customer, product, difference in [
        ("case when is_line_changed then 'invoice_changed' else 'rule_changed' end", 'customer_id', 'product_key',
            'mrr_usd_with_amounts - mrr_usd'),
        ("'startup_credit'", 'customer_id', 'product_key', 'mrr_usd_with_credit - mrr_usd_with_amounts'),
        ("'credit_note'", 'customer_id', 'product_key', 'mrr_usd_with_notes - mrr_usd_with_credit'),
        ("'currency'", 'customer_id', 'product_key', 'mrr_usd_now - mrr_usd_with_notes'),
        ("'merge'", 'customer_id', 'product_key', 'case when customer_id <> customer_id_now then -1 * mrr_usd_now else 0 end'),
        ("'merge'", 'customer_id_now', 'product_key', 'case when customer_id <> customer_id_now then mrr_usd_now else 0 end'),
        ("'product_mapping'", 'customer_id_now', 'product_key', 'case when product_key <> product_key_now then -1 * mrr_usd_now else 0 end'),
        ("'product_mapping'", 'customer_id_now', 'product_key_now', 'case when product_key <> product_key_now then mrr_usd_now else 0 end'),
    ] -%}
    select
        month,
        invoice_id,
        line_number,
        {{ customer }} as customer_id,
        {{ product }} as product_key,
        {{ difference }} as difference_usd,
        {{ cause }} as cause
    from stayed
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}
),

differences as (
    select month, invoice_id, line_number, customer_id, product_key, difference_usd, cause from came
    union all
    select month, invoice_id, line_number, customer_id, product_key, difference_usd, cause from went
    union all
    select month, invoice_id, line_number, customer_id, product_key, difference_usd, cause from changed
)

select
    month,
    invoice_id,
    line_number,
    customer_id,
    product_key,
    cause,
    {{ usd('sum(difference_usd)') }} as difference_usd
from differences
where difference_usd <> 0
group by month, invoice_id, line_number, customer_id, product_key, cause

{#- A credit note lowers the lines that it names; what it does not name is shared out over its invoice's lines in
    proportion to what they cost, the remainder of cents on the last one. -#}
with credit_notes as (
    select credit_notes.credit_note_id, credit_notes.invoice_id, credit_notes.amount_minor
    from {{ ref('stg_stripe__credit_notes') }} as credit_notes
    inner join {{ ref('int_invoices') }} as invoices on credit_notes.invoice_id = invoices.invoice_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        credit_notes.is_livemode
        and credit_notes.status = 'issued'
        and credit_notes.created_at < data_day.as_of_ts
),

note_lines as (
    select
        credit_notes.credit_note_id,
        credit_notes.invoice_id,
        lines.line_id,
        note_lines.amount_minor
    from credit_notes
    inner join {{ ref('stg_stripe__credit_note_lines') }} as note_lines
        on credit_notes.credit_note_id = note_lines.credit_note_id
    left join {{ ref('int_invoice_lines') }} as lines
        on credit_notes.invoice_id = lines.invoice_id
        and note_lines.line_id = lines.line_id
),

unnamed as (
    select credit_note_id, invoice_id, sum(amount_minor) as amount_minor
    from note_lines
    where line_id is null
    group by credit_note_id, invoice_id

    union all

    select credit_notes.credit_note_id, credit_notes.invoice_id, credit_notes.amount_minor
    from credit_notes
    left join note_lines on credit_notes.credit_note_id = note_lines.credit_note_id
    where note_lines.credit_note_id is null
),

weighted as (
    select
        unnamed.credit_note_id,
        unnamed.invoice_id,
        unnamed.amount_minor,
        lines.line_id,
        row_number() over (partition by unnamed.credit_note_id order by lines.line_id desc) as rank_from_last,
        coalesce(
            {{ divide_half_up(
                'cast(unnamed.amount_minor as decimal(19, 0)) * lines.net_minor',
                'nullif(cast(sum(lines.net_minor) over (partition by unnamed.credit_note_id) as bigint), 0)'
            ) }},
            0
        ) as share_minor
    from unnamed
    inner join {{ ref('int_invoice_lines') }} as lines on unnamed.invoice_id = lines.invoice_id
),

credited as (
    select invoice_id, line_id, amount_minor
    from note_lines
    where line_id is not null

    union all

    select
        invoice_id,
        line_id,
        case
            when rank_from_last > 1 then share_minor
            else amount_minor - (sum(share_minor) over (partition by credit_note_id) - share_minor)
        end as amount_minor
    from weighted
)

select
    invoice_id,
    line_id,
    cast(sum(amount_minor) as bigint) as credited_minor
from credited
group by invoice_id, line_id

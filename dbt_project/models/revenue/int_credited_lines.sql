{#- A credit note lowers the lines that it names. What names no line, or an id that several lines have, is spread over
    them in proportion to their amounts; the last one takes the remainder of cents. Of a note above that sum each line
    takes its part, whatever its sign. -#}
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

line_ids as (
    select distinct invoice_id, line_id
    from {{ ref('int_invoice_lines') }}
),

note_lines as (
    select
        credit_notes.credit_note_id,
        credit_notes.invoice_id,
        line_ids.line_id,
        sum(note_lines.amount_minor) as amount_minor
    from credit_notes
    inner join {{ ref('stg_stripe__credit_note_lines') }} as note_lines
        on credit_notes.credit_note_id = note_lines.credit_note_id
    left join line_ids
        on credit_notes.invoice_id = line_ids.invoice_id
        and note_lines.line_id = line_ids.line_id
    group by credit_notes.credit_note_id, credit_notes.invoice_id, line_ids.line_id
),

credits as (
    select credit_note_id, invoice_id, line_id, amount_minor
    from note_lines

    union all

    select credit_notes.credit_note_id, credit_notes.invoice_id, null as line_id, credit_notes.amount_minor
    from credit_notes
    left join note_lines on credit_notes.credit_note_id = note_lines.credit_note_id
    where note_lines.credit_note_id is null
),

candidates as (
    select
        credits.credit_note_id,
        credits.line_id as credited_line_id,
        credits.invoice_id,
        lines.line_number,
        cast(credits.amount_minor as bigint) as amount_minor,
        row_number() over (
            partition by credits.credit_note_id, credits.line_id
            order by lines.line_id desc, lines.line_number desc
        ) as rank_from_last,
        lines.net_minor,
        sum(lines.net_minor) over (partition by credits.credit_note_id, credits.line_id) as candidates_minor
    from credits
    inner join {{ ref('int_invoice_lines') }} as lines
        on credits.invoice_id = lines.invoice_id
        and (credits.line_id is null or credits.line_id = lines.line_id)
),

weighted as (
    select
        credit_note_id,
        credited_line_id,
        invoice_id,
        line_number,
        amount_minor,
        rank_from_last,
        case
            when abs(amount_minor) > abs(candidates_minor) then abs(net_minor)
            when candidates_minor < 0 then -1 * net_minor
            else net_minor
        end as weight
    from candidates
),

shared as (
    select
        credit_note_id,
        credited_line_id,
        invoice_id,
        line_number,
        amount_minor,
        rank_from_last,
        coalesce(
            {{ divide_half_up(
                'cast(amount_minor as decimal(19, 0)) * weight',
                'nullif(sum(weight) over (partition by credit_note_id, credited_line_id), 0)'
            ) }},
            0
        ) as share_minor
    from weighted
),

credited as (
    select
        invoice_id,
        line_number,
        case
            when rank_from_last > 1 then share_minor
            else amount_minor - (
                sum(share_minor) over (partition by credit_note_id, credited_line_id) - share_minor
            )
        end as amount_minor
    from shared
)

select
    invoice_id,
    line_number,
    cast(sum(amount_minor) as bigint) as credited_minor
from credited
group by invoice_id, line_number

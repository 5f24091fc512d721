{%- set keep = ['id', json_text('payload', 'invoice') ~ ' as invoice_id'] -%}
select
    line.id as credit_note_id,
    cast(line.number as int) as line_number,
    {{ json_text('line.value', 'id') }} as credit_note_line_id,
    line.invoice_id,
    {{ json_text('line.value', 'invoice_line_item') }} as line_id,
    cast({{ json_text('line.value', 'amount') }} as bigint)
    - {{ json_array_sum('line.value', 'discount_amounts', 'amount') }}
    - {{ inclusive_tax_minor('line.value', 'amount', 'amount_excluding_tax') | indent }} as amount_minor
from {{ json_array_rows(source('stripe', 'credit_notes'), keep, 'payload', 'lines.data') | indent }} as line

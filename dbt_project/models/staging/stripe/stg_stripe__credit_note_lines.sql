select
    credit_notes.id as credit_note_id,
    cast(line.number as int) as line_number,
    {{ json_text('line.value', 'id') }} as credit_note_line_id,
    {{ json_text('credit_notes.payload', 'invoice') }} as invoice_id,
    {{ json_text('line.value', 'invoice_line_item') }} as line_id,
    cast({{ json_text('line.value', 'amount') }} as bigint)
    - {{ json_array_sum('line.value', 'discount_amounts', 'amount') }}
    - {{ inclusive_tax_minor('line.value', 'amount', 'amount_excluding_tax') | indent }} as amount_minor
from {{ source('stripe', 'credit_notes') }} as credit_notes
{{ json_array_rows('credit_notes.payload', 'line', 'lines.data') }}

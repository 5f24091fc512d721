select
    id as credit_note_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'invoice') }} as invoice_id,
    {{ json_text('payload', 'status') }} as status,
    coalesce(
        cast({{ json_text('payload', 'total_excluding_tax') }} as bigint),
        cast({{ json_text('payload', 'subtotal') }} as bigint)
        - {{ inclusive_tax_minor(
            'payload', 'subtotal', 'total_excluding_tax', old_list='tax_amounts', new_list='total_taxes'
        ) | indent(8) }}
    ) as amount_minor
from {{ source('stripe', 'credit_notes') }}

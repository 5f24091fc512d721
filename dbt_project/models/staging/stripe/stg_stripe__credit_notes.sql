select
    id as credit_note_id,
    livemode as is_livemode,
    created as created_at,
    {{ json_text('payload', 'invoice') }} as invoice_id,
    {{ json_text('payload', 'status') }} as status,
    cast(
        coalesce(
            {{ json_text('payload', 'total_excluding_tax') }},
            {{ json_text('payload', 'subtotal') }}
        ) as bigint
    ) as amount_minor
from {{ source('stripe', 'credit_notes') }}

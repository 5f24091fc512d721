select
    id as ticket_id,
    organization_id,
    topic,
    created_at,
    first_answered_at,
    closed_at
from {{ source('support', 'tickets') }}

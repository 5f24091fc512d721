select
    id as activity_id,
    account_id,
    kind as activity_kind,
    kind <> 'note' as is_contact,
    direction,
    topic,
    happened_at,
    answered_at,
    owner_role
from {{ source('crm', 'activities') }}

select
    id as activity_id,
    account_id,
    kind as activity_kind,
    kind <> 'note' and (coalesce(direction, 'outbound') = 'outbound' or kind in ('call', 'meeting')) as is_contact,
    direction,
    topic,
    happened_at,
    answered_at,
    owner_role
from {{ source('crm', 'activities') }}

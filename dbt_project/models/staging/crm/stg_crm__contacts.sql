select
    id as contact_id,
    account_id,
    user_id,
    title,
    role as contact_role,
    {#- Whom the CRM no longer has is no longer there. -#}
    least(left_at, removed_at) as left_at,
    updated_at
from {{ source('crm', 'contacts') }}

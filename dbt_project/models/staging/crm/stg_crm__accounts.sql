select
    id as account_id,
    nullif(trim(organization_id), '') as organization_id,
    name,
    nullif(lower(trim(owner_email)), '') as owner_email,
    owner_role,
    owner_since as owned_since_at,
    do_not_contact as is_do_not_contact,
    last_contacted_at,
    removed_at,
    updated_at
from {{ source('crm', 'accounts') }}

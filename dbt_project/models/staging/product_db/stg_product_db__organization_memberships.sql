select
    organization_id,
    user_id,
    level,
    joined_at,
    removed_at,
    updated_at
from {{ source('product_db', 'organization_memberships') }}

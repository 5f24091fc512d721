select
    id as user_id,
    email,
    {{ mail_domain('email') }} as email_domain,
    role_detail,
    role_at_organization,
    date_joined as joined_at,
    last_login as last_login_at,
    is_active,
    is_staff,
    removed_at,
    updated_at
from {{ source('product_db', 'users') }}

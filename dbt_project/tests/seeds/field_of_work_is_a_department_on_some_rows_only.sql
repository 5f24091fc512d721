select role_at_organization
from {{ ref('user_roles') }}
group by role_at_organization
having count(distinct is_department) > 1

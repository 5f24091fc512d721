select
    organization_id,
    cast(sum(case when is_active then 1 else 0 end) as int) as users,
    max(case when is_owner then email_domain end) as domain,
    max(case when is_owner then 1 else 0 end) = 1 as has_owner
from {{ ref('int_members') }}
group by organization_id

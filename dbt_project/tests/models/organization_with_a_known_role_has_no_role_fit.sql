select distinct organizations.organization_id
from {{ ref('dim_organizations') }} as organizations
inner join {{ ref('int_member_roles') }} as members on organizations.organization_id = members.organization_id
where members.is_active and organizations.role_fit is null

with ranked as (
    select
        organization_id,
        role_fit,
        row_number() over (
            partition by organization_id
            order by
                case role_fit when 'primary' then 1 when 'secondary' then 2 when 'data_team' then 3 else 4 end,
                user_id
        ) as fit_rank
    from {{ ref('int_member_roles') }}
    where is_active
)

select organization_id, role_fit
from ranked
where fit_rank = 1

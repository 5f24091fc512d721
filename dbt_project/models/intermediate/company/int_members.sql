with memberships as (
    {{ version_on_data_day(
        ref('stg_product_db__organization_memberships'),
        key=['organization_id', 'user_id'],
        stamp='updated_at',
        columns=['organization_id', 'user_id', 'level', 'joined_at'],
    ) | indent }}
),

users as (
    {{ version_on_data_day(
        ref('stg_product_db__users'),
        key=['user_id'],
        stamp='updated_at',
        columns=[
            'user_id', 'email_domain', 'role_at_organization', 'role_detail', 'joined_at', 'is_active', 'is_staff'
        ],
    ) | indent }}
)

select
    memberships.organization_id,
    users.user_id,
    users.email_domain,
    users.role_at_organization,
    users.role_detail,
    cast(greatest(memberships.joined_at, users.joined_at) as date) as joined_on,
    users.is_active,
    memberships.level = 15 and row_number() over (
        partition by memberships.organization_id
        order by
            memberships.level desc,
            case when users.is_active then 0 else 1 end,
            memberships.joined_at,
            users.user_id
    ) = 1 as is_owner
from memberships
inner join users on memberships.user_id = users.user_id
cross join {{ ref('int_data_day') }} as data_day
where
    not users.is_staff
    and users.joined_at < data_day.as_of_ts
    and memberships.joined_at < data_day.as_of_ts

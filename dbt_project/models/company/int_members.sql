{#- Who belongs to an organization on the data day. Of an organization that was removed, those who belonged to it on that
    day: its past stays with its owner's domain, and nobody there is active. -#}
with memberships as (
    {{ version_on_data_day(
        ref('stg_product_db__organization_memberships'),
        key=['organization_id', 'user_id'],
        stamp='updated_at',
        columns=['organization_id', 'user_id', 'level', 'joined_at', 'removed_at'],
    ) | indent }}
),

users as (
    {{ version_on_data_day(
        ref('stg_product_db__users'),
        key=['user_id'],
        stamp='updated_at',
        columns=[
            'user_id', 'email_domain', 'role_at_organization', 'role_detail', 'joined_at', 'is_active', 'is_staff',
            'removed_at',
        ],
    ) | indent }}
),

members as (
    select
        memberships.organization_id,
        users.user_id,
        users.email_domain,
        users.role_at_organization,
        users.role_detail,
        users.is_active,
        organizations.removed_at is not null as is_of_removed_organization,
        memberships.level,
        memberships.joined_at,
        cast(greatest(memberships.joined_at, users.joined_at) as date) as joined_on
    from memberships
    inner join users on memberships.user_id = users.user_id
    left join {{ ref('int_organizations_on_data_day') }} as organizations
        on memberships.organization_id = organizations.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        not users.is_staff
        and users.joined_at < data_day.as_of_ts
        and memberships.joined_at < data_day.as_of_ts
        and coalesce(
            least(memberships.removed_at, users.removed_at)
            >= coalesce(cast(cast(organizations.removed_at as date) as timestamp), data_day.as_of_ts),
            true
        )
)

select
    organization_id,
    user_id,
    email_domain,
    role_at_organization,
    role_detail,
    joined_on,
    is_active and not is_of_removed_organization as is_active,
    level = 15 and row_number() over (
        partition by organization_id
        order by
            level desc,
            case when is_active then 0 else 1 end,
            joined_at,
            user_id
    ) = 1 as is_owner
from members

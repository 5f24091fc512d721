{#- The rule of seed `user_roles` that fits what a member says; titles are compared once each. -#}
with titles as (
    select distinct
        role_at_organization,
        coalesce(role_detail, '') as role_detail,
        ' ' || translate(lower(coalesce(role_detail, '')), '-_/&.,()', '        ') || ' ' as title
    from {{ ref('int_members') }}
    where role_at_organization is not null or trim(role_detail) <> ''
),

ranked as (
    select
        titles.role_at_organization,
        titles.role_detail,
        roles.role_fit,
        roles.score_role,
        roles.sub_role,
        row_number() over (
            partition by titles.role_at_organization, titles.role_detail
            order by roles.rank
        ) as rule_rank
    from titles
    inner join {{ ref('user_roles') }} as roles
        on titles.title like roles.title_like
        and (roles.role_at_organization = '%' or titles.role_at_organization = roles.role_at_organization)
)

select
    members.organization_id,
    members.user_id,
    members.is_owner,
    members.is_active,
    ranked.role_fit,
    ranked.score_role,
    ranked.sub_role
from {{ ref('int_members') }} as members
inner join ranked
    on coalesce(members.role_at_organization, '') = coalesce(ranked.role_at_organization, '')
    and coalesce(members.role_detail, '') = ranked.role_detail
    and ranked.rule_rank = 1

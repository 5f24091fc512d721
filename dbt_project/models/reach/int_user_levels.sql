{#- A user's level is that of the title in the user's own words; where there is none, of the title that the CRM has. -#}
with contacts as (
    {{ version_on_data_day(
        ref('stg_crm__contacts'),
        key=['contact_id'],
        stamp='updated_at',
        columns=['contact_id', 'user_id', 'title', 'updated_at'],
    ) | indent }}
),

contact_titles as (
    select contacts.user_id, max(contacts.title) as title
    from contacts
    cross join {{ ref('int_data_day') }} as data_day
    where contacts.user_id is not null and contacts.updated_at < data_day.as_of_ts
    group by contacts.user_id
),

users as (
    select
        members.user_id,
        max(coalesce(nullif(trim(members.role_detail), ''), nullif(trim(contact_titles.title), ''))) as title
    from {{ ref('int_members') }} as members
    left join contact_titles on members.user_id = contact_titles.user_id
    group by members.user_id
),

titles as (
    select distinct title, ' ' || translate(lower(title), '-_/&.,()', '        ') || ' ' as plain_title
    from users
    where title is not null
),

ranked as (
    select
        titles.title,
        levels.level_order,
        row_number() over (partition by titles.title order by rules.rank) as rule_rank
    from titles
    inner join {{ ref('title_levels') }} as rules on titles.plain_title like rules.title_like
    inner join {{ ref('levels') }} as levels on rules.level = levels.level
)

select
    active_users.customer_id,
    active_users.user_id,
    active_users.joined_on,
    active_users.last_login_on,
    ranked.level_order
from {{ ref('int_active_users') }} as active_users
left join users on active_users.user_id = users.user_id
left join ranked
    on users.title = ranked.title
    and ranked.rule_rank = 1
where active_users.last_login_on is not null

{#- A user's level is that of the title in the user's own words; where there is none, of the title that the CRM has. Whoever
    has left was there before. -#}
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

memberships as (
    {{ version_on_data_day(
        ref('stg_product_db__organization_memberships'),
        key=['organization_id', 'user_id'],
        stamp='updated_at',
        columns=['organization_id', 'user_id', 'joined_at', 'removed_at'],
    ) | indent }}
),

users as (
    {{ version_on_data_day(
        ref('stg_product_db__users'),
        key=['user_id'],
        stamp='updated_at',
        columns=['user_id', 'role_detail', 'joined_at', 'last_login_at', 'is_staff', 'removed_at'],
    ) | indent }}
),

people as (
    select
        customers.customer_id,
        users.user_id,
        max(coalesce(nullif(trim(users.role_detail), ''), nullif(trim(contact_titles.title), ''))) as title,
        cast(min(greatest(memberships.joined_at, users.joined_at)) as date) as joined_on,
        cast(max(
            least(users.last_login_at, memberships.removed_at, users.removed_at, organizations.removed_at)
        ) as date) as last_login_on
    from memberships
    inner join users on memberships.user_id = users.user_id
    inner join {{ ref('int_organizations') }} as organizations
        on memberships.organization_id = organizations.organization_id
    inner join {{ ref('int_customers') }} as customers on memberships.organization_id = customers.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    left join contact_titles on users.user_id = contact_titles.user_id
    where
        not users.is_staff
        and users.joined_at < data_day.as_of_ts
        and memberships.joined_at < data_day.as_of_ts
        and users.last_login_at < data_day.as_of_ts
    group by customers.customer_id, users.user_id
),

titles as (
    select distinct title, ' ' || translate(lower(title), '-_/&.,()', '        ') || ' ' as plain_title
    from people
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
    people.customer_id,
    people.user_id,
    people.joined_on,
    people.last_login_on,
    ranked.level_order
from people
left join ranked
    on people.title = ranked.title
    and ranked.rule_rank = 1

{#- People of a customer who have logged in lately, and which departments they are of. -#}
with users as (
    {{ version_on_data_day(
        ref('stg_product_db__users'),
        key=['user_id'],
        stamp='updated_at',
        columns=['user_id', 'last_login_at'],
    ) | indent }}
),

members as (
    select
        customers.customer_id,
        members.user_id,
        max(members.role_at_organization) as role_at_organization,
        min(members.joined_on) as joined_on,
        max(case when users.last_login_at < data_day.as_of_ts then users.last_login_at end) as last_login_at
    from {{ ref('int_members') }} as members
    inner join {{ ref('int_customers') }} as customers on members.organization_id = customers.organization_id
    inner join users on members.user_id = users.user_id
    cross join {{ ref('int_data_day') }} as data_day
    where members.is_active
    group by customers.customer_id, members.user_id
)

select
    members.customer_id,
    members.user_id,
    members.role_at_organization,
    members.joined_on,
    coalesce(
        members.last_login_at >= {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('active_user_days') ~ ' as int)', 'data_day.as_of_ts'
        ) }},
        false
    ) as is_recent,
    cast(members.last_login_at as date) as last_login_on
from members
cross join {{ ref('int_data_day') }} as data_day

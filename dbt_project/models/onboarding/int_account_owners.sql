{#- Who held a CRM account at the end of each day, by the newest version stamped up to then; days before the first
    version have that one. A closed account has no holder from that day on, and neither has one that has a role
    without an owner. An account that moves to another customer takes nothing along. -#}
with numbered as (
    select
        versions.account_id,
        customers.customer_id,
        versions.owner_email,
        versions.owner_role,
        versions.owned_since_at,
        versions.last_contacted_at,
        versions.removed_at,
        versions.updated_at,
        data_day.as_of_ts,
        row_number() over (partition by versions.account_id order by versions.updated_at) as version_number
    from {{ ref('stg_crm__accounts') }} as versions
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('int_customers') }} as customers on versions.organization_id = customers.organization_id
),

known as (
    select
        account_id,
        customer_id,
        owner_email,
        owner_role,
        owned_since_at,
        last_contacted_at,
        case when version_number = 1 then cast('1900-01-01' as date) else cast(updated_at as date) end as held_from,
        least(
            cast(
                coalesce(
                    lead(updated_at) over (partition by account_id order by updated_at), cast('9999-12-31' as timestamp)
                ) as date
            ),
            coalesce(cast(removed_at as date), cast('9999-12-31' as date))
        ) as held_before
    from numbered
    where updated_at < as_of_ts or version_number = 1
),

compared as (
    select
        known.*,
        greatest(held_from, cast(owned_since_at as date)) as owned_from,
        case
            when
                owner_email = lag(owner_email) over (partition by account_id order by held_from)
                and customer_id = lag(customer_id) over (partition by account_id order by held_from)
                then 0
            else 1
        end as is_other_owner
    from known
    where held_from < held_before
),

tenures as (
    select
        compared.*,
        sum(is_other_owner) over (
            partition by account_id
            order by held_from
            rows between unbounded preceding and current row
        ) as tenure_number
    from compared
)

select
    tenures.account_id,
    tenures.customer_id,
    tenures.owner_email,
    coalesce(tenures.owner_email is not null and roles.is_sales_or_success, false) as is_sales_or_success,
    tenures.owner_role,
    tenures.owned_since_at,
    cast(tenures.last_contacted_at as date) as last_contacted_on,
    tenures.held_from,
    tenures.owned_from,
    min(tenures.owned_from) over (partition by tenures.account_id, tenures.tenure_number) as owner_came_on,
    tenures.held_before
from tenures
left join {{ ref('owner_roles') }} as roles on tenures.owner_role = roles.owner_role
where tenures.customer_id is not null

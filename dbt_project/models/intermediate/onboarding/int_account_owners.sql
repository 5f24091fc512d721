{#- Who held an account of the CRM at the end of which days: a day has the newest version that was stamped up to its
    end, and days before the first version have that one. An account that was closed is held by nobody from that day on. -#}
with numbered as (
    select
        versions.account_id,
        versions.organization_id,
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
),

known as (
    select
        account_id,
        organization_id,
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
)

select
    known.account_id,
    customers.customer_id,
    known.owner_email,
    coalesce(roles.is_sales_or_success, false) as is_sales_or_success,
    known.owner_role,
    known.owned_since_at,
    cast(known.last_contacted_at as date) as last_contacted_on,
    known.held_from,
    greatest(known.held_from, cast(known.owned_since_at as date)) as owned_from,
    known.held_before
from known
inner join {{ ref('int_customers') }} as customers on known.organization_id = customers.organization_id
left join {{ ref('owner_roles') }} as roles on known.owner_role = roles.owner_role
where known.held_from < known.held_before

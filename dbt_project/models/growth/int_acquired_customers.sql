{#- Where a customer came from and whether anybody had it as an account before the first month that it paid. Without a
    CRM nobody knows. -#}
with versions as (
    select
        account_id,
        organization_id,
        owner_email,
        owned_since_at,
        removed_at,
        updated_at,
        lead(updated_at) over (partition by account_id order by updated_at) as next_updated_at,
        row_number() over (partition by account_id order by updated_at) as version_number
    from {{ ref('stg_crm__accounts') }}
),

held as (
    select
        versions.account_id,
        versions.organization_id,
        versions.removed_at,
        versions.next_updated_at,
        greatest(
            case when versions.version_number = 1 then cast('1900-01-01' as timestamp) else versions.updated_at end,
            coalesce(versions.owned_since_at, cast('1900-01-01' as timestamp))
        ) as owned_from
    from versions
    cross join {{ ref('int_data_day') }} as data_day
    where
        versions.owner_email is not null
        and (versions.updated_at < data_day.as_of_ts or versions.version_number = 1)
),

owned as (
    select customers.customer_id, min(held.owned_from) as owned_from
    from held
    inner join {{ ref('int_customers') }} as customers on held.organization_id = customers.organization_id
    where coalesce(held.removed_at > held.owned_from, true) and coalesce(held.next_updated_at > held.owned_from, true)
    group by customers.customer_id
)

select
    movements.customer_id,
    movements.month as first_paid_month,
    movements.mrr_after_usd_month as first_mrr_usd_month,
    coalesce(organizations.signup_channel, 'not_stated') as signup_channel,
    case
        when crm.accounts > 0 then coalesce(owned.owned_from >= movements.month, true)
    end as is_self_serve
from {{ ref('fct_mrr_movements') }} as movements
left join {{ ref('int_organizations') }} as organizations on movements.customer_id = organizations.organization_id
left join owned on movements.customer_id = owned.customer_id
cross join (select count(*) as accounts from {{ ref('stg_crm__accounts') }}) as crm
where movements.movement = 'new'

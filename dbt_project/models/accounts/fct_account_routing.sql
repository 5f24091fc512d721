{#- Without CRM accounts it is unknown who holds a customer. -#}
with routed as (
    select
        history.customer_id,
        history.suggested_owner_role,
        history.reason,
        history.valid_from as since,
        segments.icp_segment,
        segments.list_order,
        customers.arr_usd_year
    from {{ ref('fct_account_routing_history') }} as history
    inner join {{ ref('int_customer_standing') }} as customers on history.customer_id = customers.customer_id
    inner join {{ ref('int_organization_segments') }} as segments on history.customer_id = segments.organization_id
    where history.valid_to is null and history.suggested_owner_role is not null
),

owners as (
    select
        routed.customer_id,
        owners.owner_email,
        owners.owner_role,
        row_number() over (
            partition by routed.customer_id
            order by case when owners.owner_role = routed.suggested_owner_role then 0 else 1 end, owners.owner_rank
        ) as fit_rank
    from routed
    inner join {{ ref('int_customer_owners') }} as owners on routed.customer_id = owners.customer_id
)

select
    routed.customer_id,
    organizations.name as customer_name,
    routed.suggested_owner_role,
    routed.reason,
    owners.owner_email as current_owner_email,
    owners.owner_role as current_owner_role,
    case when crm.accounts > 0 then coalesce(owners.owner_role <> routed.suggested_owner_role, true) end as is_gap,
    case when crm.accounts > 0 then touches.customer_id is not null end as is_double_touch,
    routed.since,
    routed.icp_segment,
    case
        when routed.list_order is not null
            then {{ list_rank('routed', ['routed.arr_usd_year desc', 'routed.customer_id']) | indent(12) }}
    end as list_rank,
    data_day.as_of_date
from routed
cross join {{ ref('int_data_day') }} as data_day
cross join (select count(*) as accounts from {{ ref('stg_crm__accounts') }}) as crm
left join {{ ref('int_organizations') }} as organizations on routed.customer_id = organizations.organization_id
left join owners
    on routed.customer_id = owners.customer_id
    and owners.fit_rank = 1
left join {{ ref('int_double_touches') }} as touches on routed.customer_id = touches.customer_id

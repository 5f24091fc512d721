{#- What takes a customer out of the queue besides its forecast. An organization has no subscription before it signs up. -#}
with subscriptions as (
    select
        customers.customer_id,
        spells.has_active_subscription,
        greatest(spells.held_from, cast(spells.organization_created_at as date)) as held_from,
        spells.held_before
    from {{ ref('int_billing_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers on spells.organization_id = customers.organization_id
)

select customer_id, paid_on as day, 'graduated' as exit_reason
from {{ ref('int_paid_bills') }}
where bill_number = {{ threshold('bills_to_graduate') }}

union all

select distinct ended.customer_id, ended.held_from, 'churned'
from subscriptions as ended
left join subscriptions as others
    on ended.customer_id = others.customer_id
    and others.has_active_subscription
    and ended.held_from >= others.held_from
    and ended.held_from < others.held_before
where not ended.has_active_subscription and others.customer_id is null

union all

select owned.customer_id, owned.owned_from, 'handed_over'
from {{ ref('int_sales_owned_spells') }} as owned
inner join {{ ref('int_data_day') }} as data_day on owned.owned_from <= data_day.as_of_date

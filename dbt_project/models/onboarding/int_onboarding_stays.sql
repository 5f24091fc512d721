{#- The queue as a switch: of the days on which something says in or out, those that change what the one before said.
    A day that says both says out. An organization has no subscription before it signs up. -#}
with subscriptions as (
    select
        customers.customer_id,
        spells.has_active_subscription,
        greatest(spells.held_from, cast(spells.organization_created_at as date)) as held_from,
        spells.held_before
    from {{ ref('int_billing_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers on spells.organization_id = customers.organization_id
),

said as (
    select customer_id, as_of_date as day, entry_reason, exit_reason
    from {{ ref('int_onboarding_customer_days') }}
    where entry_reason is not null or exit_reason is not null

    union all

    select customer_id, paid_on as day, null as entry_reason, 'graduated' as exit_reason
    from {{ ref('int_paid_bills') }}
    where bill_number = {{ threshold('bills_to_graduate') }}

    union all

    select ended.customer_id, ended.held_from as day, null as entry_reason, 'churned' as exit_reason
    from subscriptions as ended
    left join subscriptions as others
        on ended.customer_id = others.customer_id
        and others.has_active_subscription
        and ended.held_from >= others.held_from
        and ended.held_from < others.held_before
    where not ended.has_active_subscription and others.customer_id is null

    union all

    select owned.customer_id, owned.owned_from as day, null as entry_reason, 'handed_over' as exit_reason
    from {{ ref('int_sales_owned_spells') }} as owned
    cross join {{ ref('int_data_day') }} as data_day
    where owned.owned_from <= data_day.as_of_date
),

ranked as (
    select
        customer_id,
        day,
        exit_reason is null as is_entry,
        coalesce(exit_reason, entry_reason) as reason,
        row_number() over (
            partition by customer_id, day
            order by
                case exit_reason
                    when 'graduated' then 1
                    when 'churned' then 2
                    when 'handed_over' then 3
                    when 'outgrown' then 4
                    when 'faded' then 5
                    else 6
                end
        ) as reason_rank
    from said
),

compared as (
    select
        customer_id,
        day,
        is_entry,
        reason,
        coalesce(lag(is_entry) over (partition by customer_id order by day), false) as was_in
    from ranked
    where reason_rank = 1
),

changes as (
    select
        customer_id,
        is_entry,
        day as entered_on,
        reason as queue_reason,
        lag(day) over (partition by customer_id order by day) as left_before_on,
        lead(day) over (partition by customer_id order by day) as exited_on,
        lead(reason) over (partition by customer_id order by day) as exit_reason
    from compared
    where is_entry <> was_in
)

select
    customer_id,
    entered_on,
    queue_reason,
    left_before_on,
    exited_on,
    exit_reason
from changes
where is_entry

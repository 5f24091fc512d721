{#- The queue as a switch: of the days on which something says in or out, those that change what the one before said.
    A day that says both says out. A stay begins with the contact in the period in which its customer entered the queue,
    where usage of the days before the contact was received later: the forecast that it was made on is not the one that is
    here. -#}
with said as (
    select customer_id, as_of_date as day, period_start, entry_reason, exit_reason
    from {{ ref('int_onboarding_customer_days') }}
    where entry_reason is not null or exit_reason is not null

    union all

    select customer_id, day, null, null, exit_reason
    from {{ ref('int_onboarding_exits') }}
),

ranked as (
    select
        customer_id,
        day,
        period_start,
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
        ranked.*,
        coalesce(lag(is_entry) over (partition by customer_id order by day), false) as was_in
    from ranked
    where reason_rank = 1
),

changes as (
    select
        customer_id,
        is_entry,
        day as entered_on,
        period_start,
        reason as queue_reason,
        lag(day) over (partition by customer_id order by day) as left_before_on,
        lead(day) over (partition by customer_id order by day) as exited_on,
        lead(reason) over (partition by customer_id order by day) as exit_reason
    from compared
    where is_entry <> was_in
),

contacts as (
    select changes.customer_id, changes.entered_on, min(contacts.contacted_on) as contacted_on
    from changes
    inner join {{ ref('int_restated_contacts') }} as contacts
        on changes.customer_id = contacts.customer_id
        and contacts.contacted_on >= changes.period_start
        and contacts.contacted_on < changes.entered_on
        and contacts.last_restated_on >= changes.period_start
    left join {{ ref('int_sales_owned_spells') }} as owned
        on changes.customer_id = owned.customer_id
        and owned.owned_from < changes.entered_on
        and owned.owned_before > contacts.contacted_on
    where
        changes.is_entry
        and owned.customer_id is null
        and coalesce(contacts.contacted_on > changes.left_before_on, true)
    group by changes.customer_id, changes.entered_on
)

select
    changes.customer_id,
    changes.queue_reason,
    changes.entered_on as forecast_entered_on,
    coalesce(contacts.contacted_on, changes.entered_on) as entered_on,
    changes.exited_on,
    changes.exit_reason
from changes
left join contacts
    on changes.customer_id = contacts.customer_id
    and changes.entered_on = contacts.entered_on
where changes.is_entry

{#- A later version with the same owner is no new owner. An owner whose first day never came has not left. -#}
with departures as (
    select owners.customer_id, max(owners.held_before) as left_on
    from {{ ref('int_account_owners') }} as owners
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('int_customer_owners') }} as still on owners.customer_id = still.customer_id
    where
        owners.owner_email is not null
        and owners.owned_from < owners.held_before
        and owners.held_before <= data_day.as_of_date
        and still.customer_id is null
    group by owners.customer_id
),

changes as (
    select customer_id, 'owner_left' as signal, left_on as since
    from departures

    union all

    select customer_id, 'owner_added', owner_came_on
    from {{ ref('int_customer_owners') }}
    where owner_rank = 1
)

select
    changes.customer_id,
    changes.signal,
    {{ dbt.datediff('changes.since', 'data_day.as_of_date', 'day') }} as figure,
    changes.since
from changes
cross join {{ ref('int_data_day') }} as data_day

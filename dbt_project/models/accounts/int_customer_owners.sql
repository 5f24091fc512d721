{#- Owners of a customer at the end of the data day, one per CRM account, by the version of the account that holds
    then. -#}
with owners as (
    select
        owners.customer_id,
        owners.account_id,
        owners.owner_email,
        coalesce(owners.owner_role, 'unknown') as owner_role,
        owners.is_sales_or_success,
        owners.owner_came_on,
        row_number() over (
            partition by owners.customer_id
            order by
                case when owners.owned_since_at is null then 1 else 0 end,
                owners.owned_since_at desc,
                owners.account_id
        ) as owner_rank
    from {{ ref('int_account_owners') }} as owners
    cross join {{ ref('int_data_day') }} as data_day
    where
        owners.owner_email is not null
        and data_day.as_of_date >= owners.owned_from
        and data_day.as_of_date < owners.held_before
)

select
    customer_id,
    account_id,
    owner_email,
    owner_role,
    is_sales_or_success,
    owner_came_on,
    cast(owner_rank as int) as owner_rank
from owners

{#- Spells of several people, or versions, that touch are one. -#}
with owned as (
    select
        customer_id,
        owned_from,
        held_before,
        row_number() over (partition by customer_id order by owned_from, held_before, account_id) as spell_number,
        max(held_before) over (
            partition by customer_id
            order by owned_from, held_before, account_id
            rows between unbounded preceding and 1 preceding
        ) as held_before_so_far
    from {{ ref('int_account_owners') }}
    where is_sales_or_success and owned_from < held_before
),

numbered as (
    select
        customer_id,
        owned_from,
        held_before,
        sum(case when owned_from <= held_before_so_far then 0 else 1 end) over (
            partition by customer_id
            order by spell_number
            rows between unbounded preceding and current row
        ) as merged_number
    from owned
)

select
    customer_id,
    min(owned_from) as owned_from,
    max(held_before) as owned_before
from numbered
group by customer_id, merged_number

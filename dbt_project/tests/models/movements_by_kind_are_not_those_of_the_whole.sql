with taken_apart as (
    select customer_id, month, movement, sum(delta_usd_month) as delta_usd
    from {{ ref('fct_mrr_movements_by') }}
    where movement not in ('product_shift', 'transfer_in', 'transfer_out')
    group by customer_id, month, movement
),

handed_over as (
    select customer_id, month, sum(delta_usd_month) as delta_usd
    from {{ ref('fct_mrr_movements_by') }}
    where movement in ('product_shift', 'transfer_in', 'transfer_out')
    group by customer_id, month
)

select
    coalesce(whole.customer_id, taken_apart.customer_id) as customer_id,
    coalesce(whole.month, taken_apart.month) as month,
    coalesce(whole.movement, taken_apart.movement) as movement,
    whole.delta_usd_month,
    taken_apart.delta_usd
from {{ ref('fct_mrr_movements') }} as whole
full join taken_apart
    on whole.customer_id = taken_apart.customer_id
    and whole.month = taken_apart.month
    and whole.movement = taken_apart.movement
where coalesce(whole.delta_usd_month, 0) <> coalesce(taken_apart.delta_usd, 0)

union all

select customer_id, month, 'transfers', 0, delta_usd
from handed_over
where delta_usd <> 0

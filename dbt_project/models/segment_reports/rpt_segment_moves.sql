{#- States at the ends of months. The segment is that of the canonical organization, the tier that of all
    organizations together. A customer does not move in the month of its sign-up. -#}
with segment_changes as (
    select
        organization_id as customer_id,
        {{ month_of('valid_from') }} as month,
        icp_segment,
        row_number() over (
            partition by organization_id, {{ month_of('valid_from') }}
            order by valid_from desc
        ) as rank_from_last
    from {{ ref('fct_organization_segments') }}
),

segments as (
    select
        changes.customer_id,
        changes.month,
        'icp_segment' as attribute,
        changes.icp_segment as state,
        lag(changes.icp_segment) over (partition by changes.customer_id order by changes.month) as state_before
    from segment_changes as changes
    inner join {{ ref('int_customer_standing') }} as customers on changes.customer_id = customers.customer_id
    where changes.rank_from_last = 1
),

tiers as (
    select
        monthly.customer_id,
        monthly.month,
        'size_tier' as attribute,
        tiers.tier as state,
        coalesce(
            lag(tiers.tier) over (partition by monthly.customer_id order by monthly.month),
            (select tier from {{ ref('int_size_tiers') }} where arr_from_usd_year = 0)
        ) as state_before
    from {{ ref('fct_mrr_monthly') }} as monthly
    inner join {{ ref('int_size_tiers') }} as tiers
        on case when monthly.arr_usd_year > 0 then monthly.arr_usd_year else 0 end >= tiers.arr_from_usd_year
        and case when monthly.arr_usd_year > 0 then monthly.arr_usd_year else 0 end < tiers.arr_below_usd_year
),

moves as (
    select customer_id, month, attribute, state, state_before from segments where state <> state_before
    union all
    select customer_id, month, attribute, state, state_before from tiers where state <> state_before
)

select
    moves.month,
    moves.attribute,
    moves.state_before,
    moves.state as state_after,
    cast(count(*) as int) as customers,
    {{ usd('coalesce(sum(monthly.arr_usd_year), 0)') }} as arr_usd_year
from moves
cross join {{ ref('int_data_day') }} as data_day
left join {{ ref('fct_mrr_monthly') }} as monthly
    on moves.customer_id = monthly.customer_id
    and moves.month = monthly.month
where moves.month <= data_day.last_closed_month
group by moves.month, moves.attribute, moves.state_before, moves.state

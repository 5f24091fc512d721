with placed as (
    select
        customer_id,
        organization_id,
        product_key,
        signal,
        amount_to_date_usd,
        threshold_usd,
        limit_usd,
        period_end,
        since,
        as_of_date,
        sum(cut_usd) over (partition by customer_id, signal) as cut_usd,
        row_number() over (
            partition by customer_id, signal
            order by cut_usd desc, organization_id, product_key
        ) as place
    from {{ ref('int_limits_hit') }}
    where is_highest
)

select
    placed.customer_id,
    organizations.name as customer_name,
    placed.signal,
    placed.organization_id,
    placed.product_key,
    others.others as other_products,
    signals.rule as what_fired,
    cast(placed.amount_to_date_usd as decimal(24, 4)) as figure,
    cast(placed.threshold_usd as decimal(24, 4)) as threshold,
    signals.unit,
    placed.since,
    signals.next_action,
    placed.limit_usd,
    {{ usd('placed.cut_usd') }} as cut_usd,
    placed.period_end,
    segments.icp_segment,
    {{ list_rank('segments', ['placed.cut_usd desc', 'placed.customer_id', 'placed.signal']) | indent(4) }} as list_rank,
    placed.as_of_date
from placed
inner join {{ ref('spend_limit_levels') }} as signals on placed.signal = signals.signal
inner join {{ ref('int_organization_segments') }} as segments
    on placed.customer_id = segments.organization_id
    and segments.list_order is not null
left join {{ ref('int_organizations') }} as organizations on placed.customer_id = organizations.organization_id
{{ join_others('placed', 'product_key') }}
where placed.place = 1

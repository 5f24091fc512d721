{#- What customers could come to pay a month at list price, as of the last closed month. Units are priced, never dollars
    projected. -#}
with quantities as (
    {% for estimate in ['low_quantity', 'quantity', 'high_quantity'] -%}
    select
        kind,
        customer_id,
        product_key,
        '{{ estimate }}' as estimate,
        {{ estimate }} as quantity,
        month_end as priced_on,
        true as is_subscribed,
        0 as discount_percent,
        cast(null as decimal(38, 10)) as limit_usd
    from {{ ref('int_headroom') }}
    where months_back = 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

rated as (
    {{ rate_usage('quantities', ['kind', 'customer_id', 'product_key', 'estimate']) | indent }}
),

priced as (
    select
        kind,
        customer_id,
        product_key,
        sum(case when estimate = 'low_quantity' then list_usd end) as low_usd_month,
        sum(case when estimate = 'quantity' then list_usd end) as usd_month,
        sum(case when estimate = 'high_quantity' then list_usd end) as high_usd_month
    from rated
    group by kind, customer_id, product_key
)

select
    headroom.kind,
    headroom.customer_id,
    organizations.name as customer_name,
    coalesce(segments.icp_segment, 'unknown') as icp_segment,
    headroom.product_key,
    headroom.quantity,
    {{ usd('priced.low_usd_month') }} as low_usd_month,
    {{ usd('priced.usd_month') }} as usd_month,
    {{ usd('priced.high_usd_month') }} as high_usd_month,
    headroom.bills_from,
    data_day.as_of_date
from {{ ref('int_headroom') }} as headroom
cross join {{ ref('int_data_day') }} as data_day
inner join priced
    on headroom.kind = priced.kind
    and headroom.customer_id = priced.customer_id
    and headroom.product_key = priced.product_key
left join {{ ref('int_organizations') }} as organizations on headroom.customer_id = organizations.organization_id
left join {{ ref('int_organization_segments') }} as segments on headroom.customer_id = segments.organization_id
where headroom.months_back = 0 and priced.high_usd_month > 0

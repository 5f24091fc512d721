{#- What became of the headroom of past months: what was sent was subscribed, free use passed the free tier, a product that
    peers use was used. -#}
with later as (
    select
        headroom.kind,
        headroom.customer_id,
        headroom.product_key,
        headroom.month,
        headroom.month_end,
        headroom.low_quantity,
        headroom.quantity,
        headroom.high_quantity,
        coalesce(used.quantity, 0) as quantity_after,
        {{ month_end(dbt.dateadd('month', 'cast(' ~ threshold('headroom_months') ~ ' as int)', 'headroom.month')) }} as end_after,
        coalesce(billed.list_usd > 0, false) as is_billed_after
    from {{ ref('int_headroom') }} as headroom
    left join {{ ref('int_product_months') }} as used
        on headroom.customer_id = used.customer_id
        and headroom.product_key = used.product_key
        and headroom.months_back - {{ threshold('headroom_months') }} = used.months_back
    left join {{ ref('fct_mrr_products') }} as billed
        on headroom.customer_id = billed.customer_id
        and headroom.product_key = billed.product_key
        and billed.month = cast({{ dbt.dateadd(
            'month', 'cast(' ~ threshold('headroom_months') ~ ' as int)', 'headroom.month'
        ) }} as date)
    where headroom.months_back > 0
),

quantities as (
    {% for estimate, quantity, priced_on in [
        ('expected', 'quantity', 'month_end'), ('high', 'high_quantity', 'month_end'), ('came', 'quantity_after', 'end_after')
    ] -%}
    select
        kind,
        customer_id,
        product_key,
        month,
        '{{ estimate }}' as estimate,
        {{ quantity }} as quantity,
        {{ priced_on }} as priced_on,
        true as is_subscribed,
        0 as discount_percent,
        cast(null as decimal(38, 10)) as limit_usd
    from later
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

rated as (
    {{ rate_usage('quantities', ['kind', 'customer_id', 'product_key', 'month', 'estimate']) | indent }}
),

priced as (
    select
        kind,
        customer_id,
        product_key,
        month,
        sum(case when estimate = 'expected' then list_usd end) as expected_usd,
        sum(case when estimate = 'high' then list_usd end) as high_usd,
        sum(case when estimate = 'came' then list_usd end) as came_usd
    from rated
    group by kind, customer_id, product_key, month
),

judged as (
    select
        later.kind,
        later.month,
        later.quantity_after >= later.low_quantity and later.quantity_after <= later.high_quantity as is_in_range,
        priced.expected_usd,
        priced.came_usd,
        case later.kind
            when 'sent_not_subscribed' then later.is_billed_after
            when 'free_tier_ends' then priced.came_usd > 0
            else later.quantity_after > 0
        end as has_come
    from later
    inner join priced
        on later.kind = priced.kind
        and later.customer_id = priced.customer_id
        and later.product_key = priced.product_key
        and later.month = priced.month
    where priced.high_usd > 0
),

{#- Apart from the join: Spark may send the key of an inner join to its workers before a subquery in it has a value. -#}
bases as (
    select
        customer_id,
        product_key,
        month,
        quantity,
        free_units,
        is_not_subscribed,
        months_back - {{ threshold('headroom_months') }} as months_back_after
    from {{ ref('int_product_months') }}
),

missed as (
    select bases.month, count(*) as came_unexpected
    from bases
    inner join {{ ref('int_product_months') }} as used
        on bases.customer_id = used.customer_id
        and bases.product_key = used.product_key
        and bases.months_back_after = used.months_back
    left join later
        on bases.customer_id = later.customer_id
        and bases.product_key = later.product_key
        and bases.month = later.month
        and later.kind = 'free_tier_ends'
    where
        not bases.is_not_subscribed
        and bases.quantity <= bases.free_units
        and used.quantity > bases.free_units
        and later.customer_id is null
    group by bases.month
)

select
    judged.kind,
    judged.month,
    cast(count(*) as int) as expected,
    cast(sum(case when has_come then 1 else 0 end) as int) as came,
    cast(sum(case when has_come and is_in_range then 1 else 0 end) as int) as came_in_range,
    cast(case when judged.kind = 'free_tier_ends' then coalesce(max(missed.came_unexpected), 0) end as int) as came_unexpected,
    {{ usd('sum(expected_usd)') }} as expected_usd_month,
    {{ usd('sum(case when has_come then expected_usd else 0 end)') }} as expected_of_came_usd_month,
    {{ usd('sum(case when has_come then came_usd else 0 end)') }} as came_usd_month,
    data_day.as_of_date
from judged
cross join {{ ref('int_data_day') }} as data_day
left join missed on judged.month = missed.month
group by judged.kind, judged.month, data_day.as_of_date

{#- Units a month that customers could come to pay for, by what was known at the end of a month: of the last closed one for
    readers, of earlier ones to be judged. -#}
{%- set ahead = estimate(threshold('headroom_months')) -%}

with used as (
    select months.*, products.product_group
    from {{ ref('int_product_months') }} as months
    inner join {{ ref('products') }} as products on months.product_key = products.product_key
    where months.is_base
),

offered as (
    select product_group, product_key
    from (
        select
            products.product_group,
            products.product_key,
            row_number() over (
                partition by products.product_group
                order by case when products.product_key = products.product_group then 0 else 1 end, products.product_key
            ) as place
        from {{ ref('products') }} as products
        inner join {{ ref('usage_counters') }} as counters on products.product_key = counters.product_key
    ) as ranked
    where place = 1
),

paying as (
    select bases.month, bases.month_end, bases.months_back, monthly.customer_id, tiers.tier as size_tier
    from (select distinct month, month_end, months_back from used) as bases
    inner join {{ ref('fct_mrr_monthly') }} as monthly
        on bases.month = monthly.month
        and monthly.mrr_usd_month > 0
    inner join {{ ref('int_size_tiers') }} as tiers
        on monthly.arr_usd_year >= tiers.arr_from_usd_year
        and monthly.arr_usd_year < tiers.arr_below_usd_year
),

peers as (
    select
        paying.month,
        paying.size_tier,
        used.product_key,
        percentile_cont(0.25) within group (order by {{ estimate('used.quantity') }}) as low_quantity,
        percentile_cont(0.5) within group (order by {{ estimate('used.quantity') }}) as quantity,
        percentile_cont(0.75) within group (order by {{ estimate('used.quantity') }}) as high_quantity
    from paying
    inner join used
        on paying.customer_id = used.customer_id
        and paying.month = used.month
    inner join offered on used.product_key = offered.product_key
    group by paying.month, paying.size_tier, used.product_key
    having count(*) >= {{ threshold('peers_min') }}
),

used_groups as (
    select distinct month, customer_id, product_group
    from used
),

headroom as (
    select
        'sent_not_subscribed' as kind,
        month, month_end, months_back, customer_id, product_key,
        quantity as low_quantity,
        quantity,
        quantity as high_quantity,
        cast(null as {{ dbt.type_float() }}) as days_to_bill
    from used
    where is_not_subscribed

    union all

    select
        'free_tier_ends',
        used.month, used.month_end, used.months_back, used.customer_id, used.product_key,
        {{ estimate('used.quantity') }} * exp(rates.low_growth * {{ ahead }}),
        {{ estimate('used.quantity') }} * exp(rates.growth * {{ ahead }}),
        {{ estimate('used.quantity') }} * exp(rates.high_growth * {{ ahead }}),
        (ln({{ estimate('used.free_units') }}) - ln({{ estimate('used.quantity') }})) / rates.growth * 146097 / 4800
    from used
    inner join {{ ref('int_product_growth') }} as rates
        on used.customer_id = rates.customer_id
        and used.product_key = rates.product_key
        and used.month = rates.month
    where
        not used.is_not_subscribed
        and rates.growth > 0
        and {{ estimate('used.quantity') }} * exp(rates.growth * {{ ahead }}) > used.free_units

    union all

    select
        'peers_use',
        paying.month, paying.month_end, paying.months_back, paying.customer_id, peers.product_key,
        peers.low_quantity,
        peers.quantity,
        peers.high_quantity,
        null
    from paying
    inner join peers
        on paying.month = peers.month
        and paying.size_tier = peers.size_tier
    inner join offered on peers.product_key = offered.product_key
    left join used_groups
        on paying.month = used_groups.month
        and paying.customer_id = used_groups.customer_id
        and offered.product_group = used_groups.product_group
    where used_groups.customer_id is null
)

select
    kind,
    customer_id,
    product_key,
    month,
    month_end,
    months_back,
    cast(low_quantity as decimal(24, 6)) as low_quantity,
    cast(quantity as decimal(24, 6)) as quantity,
    cast(high_quantity as decimal(24, 6)) as high_quantity,
    cast({{ dbt.dateadd('day', 'cast(ceil(cast(days_to_bill as decimal(18, 6))) as int)', 'month_end') }} as date) as bills_from
from headroom

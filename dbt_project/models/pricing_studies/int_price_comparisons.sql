{#- List price against list price, for what customers used in the last closed month: a discount is a deal, not a price. -#}
with usage as (
    select
        customers.customer_id,
        usage.product_key,
        cast(sum(usage.quantity) as decimal(24, 6)) as quantity,
        cast({{ month_end('data_day.last_closed_month') }} as date) as priced_on
    from {{ ref('int_usage_months') }} as usage
    inner join {{ ref('int_data_day') }} as data_day on usage.month = data_day.last_closed_month
    inner join {{ ref('int_customers') }} as customers on usage.organization_id = customers.organization_id
    inner join (select distinct product_key from {{ ref('int_competitor_tiers') }}) as compared
        on usage.product_key = compared.product_key
    group by customers.customer_id, usage.product_key, data_day.last_closed_month
),

competitors as (
    select distinct competitor, product_key
    from {{ ref('int_competitor_tiers') }}
)

select
    usage.customer_id,
    usage.product_key,
    competitors.competitor,
    usage.quantity,
    {{ round_half_up('ours.list_usd_before + ours.unit_price_usd * (usage.quantity - ours.units_from)') }} as our_list_usd,
    {{ round_half_up('theirs.list_usd_before + theirs.unit_price_usd * (usage.quantity - theirs.units_from)') }}
        as competitor_list_usd
from usage
inner join competitors on usage.product_key = competitors.product_key
left join {{ ref('int_price_tiers') }} as ours
    on usage.product_key = ours.product_key
    and usage.priced_on >= ours.valid_from
    and usage.priced_on < ours.valid_to
    and usage.quantity > ours.units_from
    and usage.quantity <= ours.units_to
left join {{ ref('int_competitor_tiers') }} as theirs
    on competitors.competitor = theirs.competitor
    and competitors.product_key = theirs.product_key
    and usage.quantity > theirs.units_from
    and usage.quantity <= theirs.units_to

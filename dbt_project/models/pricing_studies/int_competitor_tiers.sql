{#- A last tier without an end goes on for ever; one with an end is the last that is public: above it the price is unknown. -#}
with tiers as (
    select
        competitor,
        product_key,
        tier,
        cast(coalesce(lag(up_to) over (partition by competitor, product_key order by tier), 0) as decimal(24, 6)) as units_from,
        cast(coalesce(up_to, 999999999999999999) as decimal(24, 6)) as units_to,
        cast(unit_price_usd as decimal(15, 10)) as unit_price_usd,
        cast(flat_amount_usd as decimal(14, 2)) as flat_amount_usd,
        source,
        read_on
    from {{ ref('competitor_prices') }}
)

select
    competitor,
    product_key,
    tier,
    units_from,
    units_to,
    unit_price_usd,
    cast(
        flat_amount_usd + coalesce(
            sum(flat_amount_usd + unit_price_usd * (units_to - units_from)) over (
                partition by competitor, product_key
                order by tier
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as decimal(38, 16)
    ) as list_usd_before,
    source,
    read_on
from tiers

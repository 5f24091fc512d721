{#- A package's fee is a flat one a month: its unit is the month. What has no end, a last tier or a price in force, ends
    past all that can be: a join on plain comparisons is a hash join, and one on a null's replacement is not. -#}
with versions as (
    select
        product_key,
        valid_from,
        row_number() over (partition by product_key order by valid_from) as version_number
    from (select distinct product_key, valid_from from {{ ref('price_list') }}) as published
),

tiers as (
    select
        product_key,
        valid_from,
        valid_to,
        tier,
        up_to,
        lag(up_to) over (partition by product_key, valid_from order by tier) as previous_up_to,
        unit_price_usd,
        flat_amount_usd
    from {{ ref('price_list') }}
),

typed as (
    select
        tiers.product_key,
        tiers.tier,
        cast(coalesce(tiers.previous_up_to, 0) as decimal(24, 6)) as units_from,
        cast(coalesce(tiers.up_to, 999999999999999999) as decimal(24, 6)) as units_to,
        cast(
            case when products.is_package then tiers.flat_amount_usd else tiers.unit_price_usd end as decimal(15, 10)
        ) as unit_price_usd,
        case when products.is_package then 0 else tiers.flat_amount_usd end as flat_amount_usd,
        tiers.valid_from as published_from,
        case when versions.version_number = 1 then cast('1900-01-01' as date) else tiers.valid_from end as valid_from,
        coalesce(tiers.valid_to, cast('9999-12-31' as date)) as valid_to
    from tiers
    inner join versions
        on tiers.product_key = versions.product_key
        and tiers.valid_from = versions.valid_from
    left join {{ ref('products') }} as products on tiers.product_key = products.product_key
)

select
    product_key,
    tier,
    units_from,
    units_to,
    unit_price_usd,
    flat_amount_usd,
    cast(
        flat_amount_usd + coalesce(
            sum(flat_amount_usd + unit_price_usd * (units_to - units_from)) over (
                partition by product_key, valid_from
                order by tier
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as decimal(38, 16)
    ) as list_usd_before,
    published_from,
    valid_from,
    valid_to
from typed

with listed as (
    {{ listed_prices() | indent(4) }}
),

ordered as (
    select
        listed_in,
        product_key,
        valid_from,
        tier,
        up_to,
        row_number() over (partition by listed_in, product_key, valid_from order by tier, up_to) as expected_tier,
        lag(up_to) over (partition by listed_in, product_key, valid_from order by tier, up_to) as previous_up_to
    from listed
)

select
    listed_in,
    product_key,
    valid_from,
    tier,
    up_to,
    previous_up_to
from ordered
where
    tier <> expected_tier
    or up_to <= coalesce(previous_up_to, 0)
    or (tier > 1 and previous_up_to is null)

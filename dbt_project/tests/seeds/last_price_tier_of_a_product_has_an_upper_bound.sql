with listed as (
    {{ listed_prices() | indent(4) }}
),

ranked as (
    select
        listed_in,
        product_key,
        valid_from,
        tier,
        up_to,
        row_number() over (partition by listed_in, product_key, valid_from order by tier desc) as rank_from_last
    from listed
)

select
    listed_in,
    product_key,
    valid_from,
    tier,
    up_to
from ranked
where rank_from_last = 1 and up_to is not null

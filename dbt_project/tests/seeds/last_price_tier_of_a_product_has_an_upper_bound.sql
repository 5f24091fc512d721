with ranked as (
    select
        product_key,
        valid_from,
        tier,
        up_to,
        row_number() over (partition by product_key, valid_from order by tier desc) as rank_from_last
    from {{ ref('price_list') }}
)

select
    product_key,
    valid_from,
    tier,
    up_to
from ranked
where rank_from_last = 1 and up_to is not null

with listed as (
    {% for seed in ['price_list', 'candidate_price_list'] -%}
    select '{{ seed }}' as listed_in, product_key, tier, up_to, valid_from, valid_to
    from {{ ref(seed) }}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}
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

with listed as (
    {% for seed in ['price_list', 'candidate_price_list'] -%}
    select '{{ seed }}' as listed_in, product_key, tier, up_to, valid_from, valid_to
    from {{ ref(seed) }}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}
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

with versions as (
    select distinct
        product_key,
        valid_from,
        valid_to
    from {{ ref('price_list') }}
),

ordered as (
    select
        product_key,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by product_key order by valid_from, valid_to) as next_valid_from
    from versions
)

select
    product_key,
    valid_from,
    valid_to,
    next_valid_from
from ordered
where
    coalesce(valid_to, cast('9999-12-31' as date)) <> coalesce(next_valid_from, cast('9999-12-31' as date))
    or valid_to <= valid_from

{#- CTEs `product_falls` and `group_falls`: how far the volume of each product group of a customer fell, in millionths.
    Growth of one product does not hide the fall of another. Volumes of different counters are not added: a group's main
    product stands for it, since add-ons look at the same usage, and without one they do alike. -#}
{% macro group_falls() -%}
product_falls as (
    select
        volumes.customer_id,
        volumes.weeks_ago,
        volumes.ends_on,
        products.product_group,
        products.product_key = products.product_group as is_main,
        case when volumes.change_millionths < 0 then -volumes.change_millionths else 0 end as fall
    from {{ ref('int_customer_volumes') }} as volumes
    inner join {{ ref('products') }} as products on volumes.product_key = products.product_key
    where volumes.change_millionths is not null
),

group_falls as (
    select
        customer_id,
        weeks_ago,
        ends_on,
        product_group,
        coalesce(max(case when is_main then fall end), {{ divide_half_up('sum(fall)', 'count(*)') }}) as fall
    from product_falls
    group by customer_id, weeks_ago, ends_on, product_group
)
{%- endmacro %}

{#- What an organization's whole history of usage says of it. -#}
with usage as (
    select organization_id, product_key, min(first_day) as first_day, max(last_day) as last_day
    from {{ ref('int_usage_months') }}
    group by organization_id, product_key
),

products as (
    select
        usage.organization_id,
        min(usage.first_day) as first_day,
        row_number() over (
            partition by usage.organization_id
            order by min(usage.first_day), coalesce(products.product_group, usage.product_key)
        ) as product_number
    from usage
    left join {{ ref('products') }} as products on usage.product_key = products.product_key
    group by usage.organization_id, coalesce(products.product_group, usage.product_key)
)

select
    usage.organization_id,
    min(usage.first_day) as first_used_on,
    max(usage.last_day) as last_used_on,
    max(products.first_day) as second_product_on,
    cast(
        sum(
            case
                when usage.last_day > {{ dbt.dateadd('day', '-1 * cast(' ~ threshold('recent_usage_days') ~ ' as int)', 'data_day.as_of_date') }}
                    then 1
                else 0
            end
        ) as int
    ) as products_used
from usage
left join products
    on usage.organization_id = products.organization_id
    and products.product_number = 2
cross join {{ ref('int_data_day') }} as data_day
group by usage.organization_id

{#- Growth of use near the end of the free tier, by the months up to each from which headroom is computed: the median of the
    slopes between any two, as of revenue, with their quartiles as a range. The month in which a product was first used is no
    whole one. -#}
with near_free as {{ computed_once() }} (
    select
        customer_id,
        product_key,
        month,
        months_back,
        months_back + cast({{ threshold('growth_window_months') }} as int) as window_ends
    from {{ ref('int_product_months') }}
    where is_base and quantity <= free_units and quantity >= free_units * {{ threshold('free_use_from_share') }}
),

first_months as (
    select wanted.customer_id, wanted.product_key, min(used.month) as month
    from {{ ref('int_usage_months') }} as used
    inner join {{ ref('int_customers') }} as members on used.organization_id = members.organization_id
    inner join (select distinct customer_id, product_key from near_free) as wanted
        on members.customer_id = wanted.customer_id
        and used.product_key = wanted.product_key
    group by wanted.customer_id, wanted.product_key
),

window_months as {{ computed_once() }} (
    select
        near_free.customer_id,
        near_free.product_key,
        near_free.month,
        months.months_back,
        ln({{ estimate('months.quantity') }}) as log_quantity,
        months.month > first_months.month as is_whole
    from near_free
    inner join {{ ref('int_product_months') }} as months
        on near_free.customer_id = months.customer_id
        and near_free.product_key = months.product_key
        and near_free.months_back <= months.months_back
        and near_free.window_ends > months.months_back
    inner join first_months
        on near_free.customer_id = first_months.customer_id
        and near_free.product_key = first_months.product_key
),

slopes as (
    select
        later.customer_id,
        later.product_key,
        later.month,
        least(
            (later.log_quantity - earlier.log_quantity) / (earlier.months_back - later.months_back),
            ln({{ estimate(threshold('month_growth_max_factor')) }})
        ) as slope
    from window_months as later
    inner join window_months as earlier
        on later.customer_id = earlier.customer_id
        and later.product_key = earlier.product_key
        and later.month = earlier.month
        and later.months_back < earlier.months_back
    where earlier.is_whole
)

select
    customer_id,
    product_key,
    month,
    percentile_cont(0.25) within group (order by slope) as low_growth,
    percentile_cont(0.5) within group (order by slope) as growth,
    percentile_cont(0.75) within group (order by slope) as high_growth
from slopes
group by customer_id, product_key, month
having 2 * count(*) >= {{ threshold('growth_min_months') }} * ({{ threshold('growth_min_months') }} - 1)

{#- Movements by product and by the groups of the customer after them; churn is in those that it left. When a customer
    changes its groups, its MRR moves from the old ones to the new ones, so that start plus movements is end in every
    group. -#}
{%- set groups = ['icp_segment', 'size_tier'] -%}

with products as (
    select customer_id, month, product_key, mrr_usd_month - refund_usd as mrr_usd
    from {{ ref('fct_mrr_products') }}
),

sides as (
    select customer_id, month, product_key, cast(0 as decimal(22, 2)) as mrr_before, mrr_usd as mrr_after
    from products

    union all

    select
        products.customer_id,
        cast({{ dbt.dateadd('month', 1, 'products.month') }} as date) as month,
        products.product_key,
        products.mrr_usd as mrr_before,
        cast(0 as decimal(22, 2)) as mrr_after
    from products
    cross join {{ ref('int_data_day') }} as data_day
    where products.month < data_day.last_closed_month
),

product_months as (
    select customer_id, month, product_key, sum(mrr_before) as mrr_before, sum(mrr_after) as mrr_after
    from sides
    group by customer_id, month, product_key
),

moved as (
    select
        product_months.customer_id,
        product_months.month,
        product_months.product_key,
        coalesce(movements.movement, 'product_shift') as movement,
        {% for name in groups -%}
        coalesce(former.{{ name }}, present.{{ name }}) as {{ name }}_before,
        present.{{ name }} as {{ name }}_after,
        {% endfor -%}
        product_months.mrr_before,
        product_months.mrr_after
    from product_months
    inner join {{ ref('int_customer_groups') }} as present
        on product_months.customer_id = present.customer_id
        and product_months.month = present.month
    left join {{ ref('int_customer_groups') }} as former
        on product_months.customer_id = former.customer_id
        and former.month = {{ dbt.dateadd('month', -1, 'product_months.month') }}
    left join {{ ref('fct_mrr_movements') }} as movements
        on product_months.customer_id = movements.customer_id
        and product_months.month = movements.month
),

handed_over as (
    select
        moved.*,
        case when movement = 'churn' then mrr_after else mrr_before end as mrr_usd
    from moved
    where {% for name in groups %}{{ ' or ' if not loop.first }}{{ name }}_before <> {{ name }}_after{% endfor %}
),

steps as (
    select
        customer_id,
        month,
        product_key,
        {% for name in groups -%}
        case when movement = 'churn' then {{ name }}_before else {{ name }}_after end as {{ name }},
        {% endfor -%}
        movement,
        mrr_before,
        mrr_after
    from moved

    {% for side, movement, mrr_before, mrr_after in [
        ('before', 'transfer_out', 'mrr_usd', '0'), ('after', 'transfer_in', '0', 'mrr_usd'),
    ] -%}
    union all

    select
        customer_id,
        month,
        product_key,
        {% for name in groups -%}
        {{ name }}_{{ side }} as {{ name }},
        {% endfor -%}
        '{{ movement }}' as movement,
        {{ mrr_before }} as mrr_before,
        {{ mrr_after }} as mrr_after
    from handed_over
    {% endfor %}
)

select
    customer_id,
    month,
    product_key,
    {% for name in groups -%}
    {{ name }},
    {% endfor -%}
    movement,
    {{ usd('mrr_after - mrr_before') }} as delta_usd_month,
    {{ usd('mrr_before') }} as mrr_before_usd_month,
    {{ usd('mrr_after') }} as mrr_after_usd_month
from steps
where mrr_after <> mrr_before

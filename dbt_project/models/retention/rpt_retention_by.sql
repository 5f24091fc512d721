{#- Gross retention and logos are counted a customer and group: of a product, a customer that gave it up is lost. -#}
with customers as (
    {% for attribute in ['icp_segment', 'size_tier', 'signup_channel', 'product_key'] -%}
    select
        month,
        base_months,
        '{{ attribute }}' as attribute,
        {{ attribute }} as attribute_value,
        sum(base_mrr_usd_month) as base_mrr,
        sum(current_mrr_usd_month) as current_mrr
    from {{ ref('fct_retention') }}
    group by customer_id, month, base_months, {{ attribute }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

sums as (
    select
        month,
        base_months,
        attribute,
        attribute_value,
        sum(case when base_mrr > 0 then 1 else 0 end) as customers_in_base,
        sum(case when base_mrr > 0 and current_mrr > 0 then 1 else 0 end) as kept_customers,
        sum(base_mrr) as base_mrr,
        sum(current_mrr) as current_mrr,
        sum(case when current_mrr < base_mrr then current_mrr else base_mrr end) as kept_mrr
    from customers
    group by month, base_months, attribute, attribute_value
)

select
    month,
    base_months,
    attribute,
    attribute_value,
    cast(customers_in_base as int) as customers_in_base,
    {{ usd('base_mrr') }} as base_mrr_usd_month,
    {{ usd('current_mrr') }} as current_mrr_usd_month,
    {{ usd('kept_mrr') }} as kept_mrr_usd_month,
    case when base_mrr > 0 then {{ ratio('current_mrr', 'base_mrr') }} end as ndr,
    case when base_mrr > 0 then {{ ratio('kept_mrr', 'base_mrr') }} end as gdr,
    case when base_mrr > 0 then {{ ratio('kept_customers', 'customers_in_base') }} end as logo_retention
from sums

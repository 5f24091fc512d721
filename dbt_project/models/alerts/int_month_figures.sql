{#- A customer's groups are those at the end of the month; retention has those that it was in at the base. -#}
with customer_months as (
    select
        months.month,
        customer_groups.icp_segment,
        customer_groups.size_tier,
        coalesce(organizations.signup_channel, 'not_stated') as signup_channel,
        months.mrr_usd_month
    from {{ ref('fct_mrr_monthly') }} as months
    inner join {{ ref('int_customer_groups') }} as customer_groups
        on months.customer_id = customer_groups.customer_id
        and months.month = customer_groups.month
    inner join {{ ref('int_organizations') }} as organizations on months.customer_id = organizations.organization_id
),

sums as (
    {% for group in ["'all'", 'icp_segment', 'size_tier', 'signup_channel'] -%}
    select
        '{{ group if group != "'all'" else 'company' }}' as group_by,
        {{ group }} as group_value,
        month,
        sum(mrr_usd_month) as mrr_usd_month,
        sum(case when mrr_usd_month > 0 then 1 else 0 end) as paying_customers
    from customer_months
    group by {{ 'month' if group == "'all'" else group ~ ', month' }}

    union all

    {% endfor -%}
    select
        'product_key',
        product_key,
        month,
        sum(mrr_usd_month - refund_usd),
        sum(case when mrr_usd_month - refund_usd > 0 then 1 else 0 end)
    from {{ ref('fct_mrr_products') }}
    group by product_key, month
),

retention as (
    select 'company' as group_by, 'all' as group_value, month, ndr, gdr
    from {{ ref('rpt_retention') }}
    where base_months = 12

    union all

    select attribute, attribute_value, month, ndr, gdr
    from {{ ref('rpt_retention_by') }}
    where base_months = 12
)

{% for metric, figure, rows in [
    ('mrr', 'mrr_usd_month', 'sums'), ('paying_customers', 'paying_customers', 'sums'),
    ('ndr_12_months', 'ndr', 'retention'), ('gdr_12_months', 'gdr', 'retention'),
] -%}
select '{{ metric }}' as metric, group_by, group_value, month, cast({{ figure }} as decimal(24, 4)) as figure
from {{ rows }}
{{ 'union all' if not loop.last }}
{% endfor %}

with changes as (
    select
        repriced.customer_id,
        repriced.product_key,
        customers.size_tier,
        customers.icp_segment,
        repriced.rated_usd,
        repriced.candidate_usd,
        repriced.mrr_change_usd
    from {{ ref('int_repriced_mrr') }} as repriced
    inner join {{ ref('int_repriced_customers') }} as customers on repriced.customer_id = customers.customer_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        repriced.month >= {{ dbt.dateadd(
            'month', '1 - cast(' ~ threshold('strategy_window_months') ~ ' as int)', 'data_day.last_closed_month'
        ) }}
),

grouped as (
    {% for attribute, value in [
        ('all', "'all'"), ('product_key', 'product_key'), ('size_tier', 'size_tier'), ('icp_segment', 'icp_segment')
    ] -%}
    select
        '{{ attribute }}' as attribute,
        {{ value }} as attribute_value,
        customer_id,
        sum(rated_usd) as rated_usd,
        sum(candidate_usd) as candidate_usd,
        sum(mrr_change_usd) as mrr_change_usd
    from changes
    group by {{ value ~ ', ' if value == attribute }}customer_id
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}
)

select
    attribute,
    attribute_value,
    cast(count(*) as int) as customers,
    cast(sum(case when candidate_usd > rated_usd then 1 else 0 end) as int) as customers_that_pay_more,
    cast(sum(case when candidate_usd < rated_usd then 1 else 0 end) as int) as customers_that_pay_less,
    {{ usd('sum(rated_usd)') }} as rated_usd,
    {{ usd('sum(candidate_usd)') }} as candidate_usd,
    {{ usd('sum(candidate_usd - rated_usd)') }} as change_usd,
    {{ ratio('sum(candidate_usd - rated_usd)', 'nullif(sum(rated_usd), 0)') }} as change_share,
    {{ usd('sum(mrr_change_usd)') }} as mrr_change_usd
from grouped
group by attribute, attribute_value

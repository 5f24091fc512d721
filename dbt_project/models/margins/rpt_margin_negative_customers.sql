{#- Below zero in every one of the last closed months: one bad month is a spike, some in a row are a deal. -#}
with recent as (
    select
        margins.customer_id,
        margins.month,
        margins.mrr_usd_month,
        margins.unit_cost_usd,
        margins.account_cost_usd,
        margins.margin_usd,
        data_day.last_closed_month,
        data_day.as_of_date,
        cast({{ threshold('negative_margin_months') }} as int) as months
    from {{ ref('fct_margins_monthly') }} as margins
    cross join {{ ref('int_data_day') }} as data_day
    where
        margins.month > {{ dbt.dateadd(
            'month', '-1 * cast(' ~ threshold('negative_margin_months') ~ ' as int)', 'data_day.last_closed_month'
        ) }}
        and margins.month <= data_day.last_closed_month
),

negative as (
    select
        customer_id,
        sum(mrr_usd_month) as mrr_usd,
        sum(unit_cost_usd) as unit_cost_usd,
        sum(account_cost_usd) as account_cost_usd,
        sum(margin_usd) as margin_usd,
        max(months) as months,
        max(as_of_date) as as_of_date
    from recent
    group by customer_id
    having sum(case when margin_usd < 0 then 1 else 0 end) = max(months)
),

last_above as (
    select margins.customer_id, max(margins.month) as month
    from {{ ref('fct_margins_monthly') }} as margins
    inner join negative on margins.customer_id = negative.customer_id
    where margins.margin_usd >= 0 or margins.margin_usd is null
    group by margins.customer_id
),

since as (
    select margins.customer_id, min(margins.month) as month
    from {{ ref('fct_margins_monthly') }} as margins
    inner join negative on margins.customer_id = negative.customer_id
    left join last_above on margins.customer_id = last_above.customer_id
    where margins.margin_usd < 0 and (last_above.month is null or margins.month > last_above.month)
    group by margins.customer_id
),

products as (
    select
        units.customer_id,
        units.product_key,
        row_number() over (
            partition by units.customer_id
            order by sum(units.cost_usd) desc, units.product_key
        ) as cost_rank
    from {{ ref('int_unit_cost_months') }} as units
    inner join {{ ref('int_data_day') }} as data_day on units.month = data_day.last_closed_month
    inner join negative on units.customer_id = negative.customer_id
    group by units.customer_id, units.product_key
)

select
    negative.customer_id,
    organizations.name as customer_name,
    negative.months,
    since.month as negative_since_month,
    {{ usd('negative.mrr_usd') }} as mrr_usd,
    {{ usd('negative.unit_cost_usd') }} as unit_cost_usd,
    {{ usd('negative.account_cost_usd') }} as account_cost_usd,
    {{ usd('negative.margin_usd') }} as margin_usd,
    products.product_key as dearest_product_key,
    case
        when negative.account_cost_usd > negative.unit_cost_usd
            then 'Ask what the account costs besides its units, and price it or end it'
        else 'Look at the discount and at the product that costs most; bring the price to cost at the next renewal'
    end as next_action,
    negative.as_of_date
from negative
inner join since on negative.customer_id = since.customer_id
left join products
    on negative.customer_id = products.customer_id
    and products.cost_rank = 1
left join {{ ref('int_organizations') }} as organizations on negative.customer_id = organizations.organization_id

{#- A unit costs what bills ask for it, after discounts and before credit: volume makes it cheaper by the tiers, a discount
    that ended makes it dearer. How much a product is used is what seed `product_uses` counts of it. A customer without a row
    looked at nothing; what the source recorded for nobody is not known. -#}
{%- set events = ['insights_viewed', 'experiments_viewed', 'web_analytics_viewed'] -%}

with days as (
    select
        as_of_date,
        last_closed_month as month,
        cast({{ dbt.dateadd(
            'month', '-1 * cast(' ~ threshold('unit_cost_months') ~ ' as int)', 'last_closed_month'
        ) }} as date) as month_before,
        cast({{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('recent_usage_days') ~ ' as int)', 'as_of_date'
        ) }} as date) as used_after
    from {{ ref('int_data_day') }}
),

billed as (
    select
        mrr.customer_id,
        mrr.product_key,
        products.is_package,
        sum(case when mrr.month = days.month then mrr.list_usd else 0 end) as list_usd,
        sum(case when mrr.month = days.month then mrr.list_usd - mrr.discount_usd else 0 end) as billed_usd,
        sum(case when mrr.month = days.month_before then mrr.list_usd - mrr.discount_usd else 0 end) as billed_before_usd
    from {{ ref('fct_mrr_products') }} as mrr
    inner join days
        on mrr.month = days.month
        or mrr.month = days.month_before
    inner join {{ ref('products') }} as products on mrr.product_key = products.product_key
    where not products.is_credit
    group by mrr.customer_id, mrr.product_key, products.is_package
),

units as (
    select
        invoices.customer_id,
        rated.product_key,
        cast(sum(case when rated.month = days.month then rated.quantity else 0 end) as decimal(28, 6)) as quantity,
        cast(sum(case when rated.month = days.month_before then rated.quantity else 0 end) as decimal(28, 6)) as quantity_before
    from {{ ref('int_rated_invoices') }} as rated
    inner join days
        on rated.month = days.month
        or rated.month = days.month_before
    inner join {{ ref('int_invoices') }} as invoices on rated.invoice_id = invoices.invoice_id
    where rated.is_subscribed and {{ months_covered('rated.period_start_on', 'rated.period_end_on') }} = 1
    group by invoices.customer_id, rated.product_key
),

people as (
    select customer_id, count(*) as active_people
    from {{ ref('int_active_users') }}
    where is_recent
    group by customer_id
),

used as (
    select members.customer_id, usage.product_key, count(distinct usage.date) as days_used
    from {{ ref('fct_usage_daily') }} as usage
    inner join days
        on usage.date > days.used_after
        and usage.date <= days.as_of_date
    inner join {{ ref('int_customers') }} as members on usage.organization_id = members.organization_id
    inner join billed
        on members.customer_id = billed.customer_id
        and usage.product_key = billed.product_key
    group by members.customer_id, usage.product_key
),

events as (
    select members.customer_id, {{ events | join(', ') }}
    from {{ ref('stg_product_events__events_daily') }} as events
    inner join days
        on events.date > days.used_after
        and events.date <= days.as_of_date
    inner join {{ ref('int_customers') }} as members on events.organization_id = members.organization_id
),

looked_at as (
    select
        customer_id,
        {% for event in events -%}
        sum({{ event }}) as {{ event }}{{ ',' if not loop.last }}
        {% endfor %}
    from events
    group by customer_id
),

recorded as (
    select
        {% for event in events -%}
        min(case when {{ event }} is not null then 0 end) as {{ event }}{{ ',' if not loop.last }}
        {% endfor %}
    from events
),

measured as (
    select
        billed.*,
        case when units.quantity >= 1 and not billed.is_package then units.quantity end as quantity,
        case when units.quantity_before >= 1 and not billed.is_package then units.quantity_before end as quantity_before,
        uses.measure,
        uses.hardly_used_at_most,
        uses.next_action,
        case uses.measure
            when 'active_people' then coalesce(people.active_people, 0)
            when 'days_used' then coalesce(used.days_used, 0)
            {% for event in events -%}
            when '{{ event }}'
                then case when looked_at.customer_id is null then recorded.{{ event }} else looked_at.{{ event }} end
            {% endfor -%}
        end as use_figure
    from billed
    cross join recorded
    left join units
        on billed.customer_id = units.customer_id
        and billed.product_key = units.product_key
    left join {{ ref('product_uses') }} as uses on billed.product_key = uses.product_key
    left join people on billed.customer_id = people.customer_id
    left join used
        on billed.customer_id = used.customer_id
        and billed.product_key = used.product_key
    left join looked_at on billed.customer_id = looked_at.customer_id
    where billed.billed_usd > 0
),

priced as (
    select
        measured.*,
        {{ usd_per_thousand_units('billed_usd', 'quantity') }} as usd_per_thousand_units,
        case when billed_before_usd > 0
            then {{ usd_per_thousand_units('billed_before_usd', 'quantity_before') }}
        end as usd_per_thousand_units_before
    from measured
)

select
    priced.customer_id,
    organizations.name as customer_name,
    priced.product_key,
    {{ usd('priced.billed_usd') }} as billed_usd,
    {{ usd('priced.list_usd') }} as list_usd,
    priced.quantity,
    priced.usd_per_thousand_units,
    priced.usd_per_thousand_units_before,
    {{ unit_cost_change_percent(
        'priced.usd_per_thousand_units', 'priced.usd_per_thousand_units_before'
    ) }} as unit_cost_change_percent,
    priced.measure as use_measure,
    cast(priced.use_figure as bigint) as use_figure,
    priced.use_figure <= priced.hardly_used_at_most as is_hardly_used,
    {{ usd(
        'case when priced.use_figure <= priced.hardly_used_at_most then priced.list_usd'
        ~ ' when priced.use_figure is not null then 0 end'
    ) }} as saves_usd_month,
    case when priced.use_figure <= priced.hardly_used_at_most then priced.next_action end as next_action,
    days.as_of_date
from priced
cross join days
left join {{ ref('int_organizations') }} as organizations on priced.customer_id = organizations.organization_id

{#- Rules about volume, and since which of the days that are compared they have fired without a break. Add-ons count with
    the product that they belong to. -#}
{%- set of_events = " where product_key = 'product_analytics'" -%}

with products_used as (
    select
        volumes.customer_id,
        volumes.weeks_ago,
        volumes.ends_on,
        count(distinct products.product_group) as products_used,
        count(distinct case when products.product_group <> 'data_pipelines' then products.product_group end) as not_exports
    from {{ ref('int_customer_volumes') }} as volumes
    inner join {{ ref('products') }} as products on volumes.product_key = products.product_key
    where volumes.recent_quantity > 0
    group by volumes.customer_id, volumes.weeks_ago, volumes.ends_on
),

figures as (
    {% for signal, figure, rows in [
        ('usage_fall', 'fall_percent', ref('int_customer_health')),
        ('single_product', 'products_used', 'products_used'),
        ('only_exports', 'not_exports', 'products_used'),
        ('events_fall_week', percent_of_millionths('-week_change_millionths'), ref('int_customer_volumes') ~ of_events),
        ('events_growth', percent_of_millionths('change_millionths'), ref('int_customer_volumes') ~ of_events),
    ] -%}
    select customer_id, weeks_ago, ends_on, '{{ signal }}' as signal, {{ figure }} as figure
    from {{ rows }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

fired as (
    select
        figures.customer_id,
        figures.signal,
        figures.weeks_ago as step,
        figures.ends_on as day,
        cast(figures.figure as decimal(24, 4)) as figure
    from figures
    inner join {{ ref('account_signals') }} as signals
        on figures.signal = signals.signal
        and {{ fires('figures.figure') | indent(8) }}
),

poor as (
    select
        customer_id,
        'health_poor_for_weeks' as signal,
        weeks_ago as step,
        ends_on as day,
        fall_percent as figure
    from {{ ref('int_customer_health') }}
    where health = 'poor'
),

poor_runs as (
    {{ unbroken_since('poor', ['customer_id', 'signal']) }}
)

{{ unbroken_since('fired', ['customer_id', 'signal']) }}

union all

select
    poor_runs.customer_id,
    poor_runs.signal,
    cast(looks.weeks_ago as decimal(24, 4)) as figure,
    poor_runs.since
from poor_runs
inner join {{ ref('int_volume_windows') }} as looks on poor_runs.since = looks.ends_on

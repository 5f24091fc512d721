{#- The rules of all lists, with how many customers each fires for: a rule whose source is not there, or has
    no rows, is listed and fires for nobody knows how many. -#}
with fired as (
    {% for list_name in ['product_led_leads', 'cross_sell', 'account_risk', 'large_deals'] -%}
    select '{{ list_name }}' as list_name, signal, count(distinct customer_id) as customers
    from {{ ref('rpt_' ~ list_name) }}
    group by signal
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

sources as (
    {% for source_table, model in {
        'product_events.events_daily': 'stg_product_events__events_daily',
        'support.tickets': 'stg_support__tickets',
        'crm.activities': 'stg_crm__activities',
        'crm.contacts': 'stg_crm__contacts',
    }.items() -%}
    select '{{ source_table }}' as source_table, count(*) > 0 as has_rows
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    signals.list_name,
    signals.signal,
    signals.rule as what_fires,
    signals.bound,
    signals.threshold,
    signals.unit,
    signals.next_action,
    signals.is_available and coalesce(sources.has_rows, true) as is_available,
    case when sources.has_rows then null else coalesce(signals.missing_source, signals.source_table) end as missing_source,
    cast(
        case when signals.is_available and coalesce(sources.has_rows, true) then coalesce(fired.customers, 0) end as int
    ) as customers,
    data_day.as_of_date
from {{ ref('account_signals') }} as signals
cross join {{ ref('int_data_day') }} as data_day
left join sources on signals.source_table = sources.source_table
left join fired
    on signals.list_name = fired.list_name
    and signals.signal = fired.signal

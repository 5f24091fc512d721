{#- The rules of all lists, with how many customers each fires for: a rule without a source is listed and fires for none. -#}
with fired as (
    {% for list_name in ['product_led_leads', 'cross_sell', 'account_risk', 'large_deals'] -%}
    select '{{ list_name }}' as list_name, signal, count(distinct customer_id) as customers
    from {{ ref('rpt_' ~ list_name) }}
    group by signal
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
    signals.is_available,
    signals.missing_source,
    cast(case when signals.is_available then coalesce(fired.customers, 0) end as int) as customers,
    data_day.as_of_date
from {{ ref('account_signals') }} as signals
cross join {{ ref('int_data_day') }} as data_day
left join fired
    on signals.list_name = fired.list_name
    and signals.signal = fired.signal

{#- Lists say what fires on the data day and since when; who needs a person has a history, so that its end is known too. -#}
{%- set parts = ['usage', 'standing', 'forecast', 'bill', 'account', 'deal', 'ended_signal'] -%}
{%- set lists = [
    'rpt_account_risk', 'rpt_cross_sell', 'rpt_product_led_leads', 'rpt_limits_hit', 'rpt_startup_rolloffs',
    'rpt_credit_runway', 'rpt_large_deals',
] -%}
{%- set needed = [('valid_from', 'person_needed'), ('valid_to', 'person_no_longer_needed')] -%}

with events as (
    {% for part in parts -%}
    select customer_id, day, kind, subject, what, figure, unit, source_table, {{ 'owner_email' if part == 'account' else 'null' }} as owner_email
    from {{ ref('int_' ~ part ~ '_events') }}

    union all

    {% endfor %}
    {%- for list in lists -%}
    select
        customer_id,
        since,
        'signal_fired',
        {{ 'opportunity_id' if list == 'rpt_large_deals' else 'signal' }},
        what_fired,
        figure,
        unit,
        '{{ list }}',
        null
    from {{ ref(list) }}

    union all

    {% endfor %}
    {%- for day, kind in needed -%}
    select customer_id, {{ day }}, '{{ kind }}', suggested_owner_role, reason, null, null, 'fct_account_routing_history', null
    from {{ ref('fct_account_routing_history') }}
    where suggested_owner_role is not null and {{ day }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    customer_id,
    cast(day as date) as day,
    cast(kind as {{ dbt.type_string() }}) as kind,
    cast(subject as {{ dbt.type_string() }}) as subject,
    cast(what as {{ dbt.type_string() }}) as what,
    cast(figure as decimal(24, 4)) as figure,
    cast(unit as {{ dbt.type_string() }}) as unit,
    cast(source_table as {{ dbt.type_string() }}) as source_table,
    cast(owner_email as {{ dbt.type_string() }}) as owner_email
from events

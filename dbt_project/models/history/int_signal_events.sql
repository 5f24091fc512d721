{{ config(materialized='view') }}

{#- Lists say what fires on the data day and since when; who needs a person has a history, so that its end is known too. -#}
{%- set lists = [
    'rpt_account_risk', 'rpt_cross_sell', 'rpt_product_led_leads', 'rpt_limits_hit', 'rpt_startup_rolloffs',
    'rpt_credit_runway',
] -%}

{% for list in lists -%}
select
    customer_id,
    since as day,
    'signal_fired' as kind,
    signal as subject,
    what_fired as what,
    figure,
    unit,
    '{{ list }}' as source_table
from {{ ref(list) }}

union all

{% endfor -%}
select customer_id, since, 'signal_fired', opportunity_id, what_fired, figure, unit, 'rpt_large_deals'
from {{ ref('rpt_large_deals') }}

union all

select
    customer_id,
    valid_from,
    'person_needed',
    suggested_owner_role,
    reason,
    null,
    null,
    'fct_account_routing_history'
from {{ ref('fct_account_routing_history') }}
where suggested_owner_role is not null

union all

select
    customer_id,
    valid_to,
    'person_no_longer_needed',
    suggested_owner_role,
    reason,
    null,
    null,
    'fct_account_routing_history'
from {{ ref('fct_account_routing_history') }}
where suggested_owner_role is not null and valid_to is not null

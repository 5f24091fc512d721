{#- What waits for a word from us: stays in the onboarding queue and tickets of all time, and the signals that fire on the
    data day. A list knows its signals at the end of their day. Who may not be written to waits for nothing. -#}
with queue as (
    select
        customer_id,
        'onboarding_queue' as list_name,
        queue_reason as reason,
        'onboarding_specialist' as role,
        cast(entered_on as timestamp) as counts_from_at,
        cast({{ dbt.dateadd('day', 1, 'entered_on') }} as timestamp) as known_at,
        cast({{ dbt.dateadd('day', 1, 'exited_on') }} as timestamp) as ended_at
    from {{ ref('fct_onboarding_queue') }}
),

signals as (
    {% for list_name in ['account_risk', 'product_led_leads'] -%}
    select customer_id, '{{ list_name }}' as list_name, signal as reason, since
    from {{ ref('rpt_' ~ list_name) }}
    {{ "where kind = 'risk'" if list_name == 'account_risk' }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

owned_signals as (
    select
        signals.customer_id,
        signals.list_name,
        signals.reason,
        coalesce(owners.owner_role, 'nobody') as role,
        cast(signals.since as timestamp) as counts_from_at,
        cast({{ dbt.dateadd('day', 1, 'signals.since') }} as timestamp) as known_at,
        cast(null as timestamp) as ended_at
    from signals
    left join {{ ref('int_customer_owners') }} as owners
        on signals.customer_id = owners.customer_id
        and owners.owner_rank = 1
),

tickets as (
    select
        members.customer_id,
        'support_tickets' as list_name,
        tickets.ticket_id as reason,
        'support' as role,
        tickets.created_at as counts_from_at,
        tickets.created_at as known_at,
        tickets.closed_at as ended_at,
        tickets.first_answered_at
    from {{ ref('stg_support__tickets') }} as tickets
    inner join {{ ref('int_customers') }} as members on tickets.organization_id = members.organization_id
),

entries as (
    select queue.*, cast(null as timestamp) as first_answered_at from queue

    union all

    select owned_signals.*, cast(null as timestamp) as first_answered_at from owned_signals

    union all

    select
        customer_id, list_name, reason, role, counts_from_at, known_at, ended_at, first_answered_at
    from tickets
)

select
    entries.customer_id,
    entries.list_name,
    entries.reason,
    entries.role,
    entries.counts_from_at,
    entries.known_at,
    case when entries.ended_at < data_day.as_of_ts then entries.ended_at end as ended_at,
    case when entries.first_answered_at < data_day.as_of_ts then entries.first_answered_at end as first_answered_at
from entries
inner join {{ ref('dim_customers') }} as customers on entries.customer_id = customers.customer_id
cross join {{ ref('int_data_day') }} as data_day
where entries.counts_from_at < data_day.as_of_ts and not coalesce(customers.is_do_not_contact, false)

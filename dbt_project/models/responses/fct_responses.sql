{#- What waits for a word from us, and when it came: stays in the onboarding queue and tickets of all time, and the signals
    that fire on the data day. A list knows its signals at the end of their day. Who may not be written to waits for
    nothing. The first word since the day of the entry answers it. Without a CRM nobody knows of any, and what is not known
    is not unanswered. -#}
with entries as (
    select
        customer_id,
        'onboarding_queue' as list_name,
        queue_reason as reason,
        'onboarding_specialist' as role,
        cast(entered_on as timestamp) as counts_from_at,
        cast({{ dbt.dateadd('day', 1, 'entered_on') }} as timestamp) as known_at,
        cast({{ dbt.dateadd('day', 1, 'exited_on') }} as timestamp) as ended_at,
        cast(null as timestamp) as first_answered_at
    from {{ ref('fct_onboarding_queue') }}

    {% for list_name in ['account_risk', 'product_led_leads'] -%}
    union all

    select
        signals.customer_id,
        '{{ list_name }}',
        signals.signal,
        coalesce(owners.owner_role, 'nobody'),
        cast(signals.since as timestamp),
        cast({{ dbt.dateadd('day', 1, 'signals.since') }} as timestamp),
        cast(null as timestamp),
        cast(null as timestamp)
    from {{ ref('rpt_' ~ list_name) }} as signals
    left join {{ ref('int_customer_owners') }} as owners
        on signals.customer_id = owners.customer_id
        and owners.owner_rank = 1
    {{ "where signals.kind = 'risk'" if list_name == 'account_risk' }}

    {% endfor -%}
    union all

    select
        members.customer_id,
        'support_tickets',
        tickets.ticket_id,
        'support',
        tickets.created_at,
        tickets.created_at,
        tickets.closed_at,
        tickets.first_answered_at
    from {{ ref('stg_support__tickets') }} as tickets
    inner join {{ ref('int_customers') }} as members on tickets.organization_id = members.organization_id
),

accounts as (
    {{ account_customers() }}
),

contacts as (
    select accounts.customer_id, activities.happened_at as contacted_at
    from {{ ref('stg_crm__activities') }} as activities
    inner join accounts
        on activities.account_id = accounts.account_id
        and cast(activities.happened_at as date) >= accounts.held_from
        and cast(activities.happened_at as date) < accounts.held_before
    where activities.is_contact

    union

    select accounts.customer_id, versions.last_contacted_at
    from {{ ref('stg_crm__accounts') }} as versions
    inner join accounts
        on versions.account_id = accounts.account_id
        and cast(versions.last_contacted_at as date) >= accounts.held_from
        and cast(versions.last_contacted_at as date) < accounts.held_before
    where versions.last_contacted_at is not null
),

answers as (
    select
        entries.customer_id,
        entries.list_name,
        entries.reason,
        entries.role,
        entries.known_at,
        min(case when entries.ended_at < data_day.as_of_ts then entries.ended_at end) as ended_at,
        min(case
            when entries.list_name <> 'support_tickets' then contacts.contacted_at
            when entries.first_answered_at < data_day.as_of_ts then entries.first_answered_at
        end) as first_contact_at,
        data_day.as_of_date,
        data_day.as_of_ts
    from entries
    inner join {{ ref('int_customer_standing') }} as customers on entries.customer_id = customers.customer_id
    cross join {{ ref('int_data_day') }} as data_day
    left join contacts
        on entries.customer_id = contacts.customer_id
        and contacts.contacted_at >= entries.counts_from_at
        and contacts.contacted_at < data_day.as_of_ts
        and contacts.contacted_at < coalesce(entries.ended_at, data_day.as_of_ts)
    where entries.counts_from_at < data_day.as_of_ts and not customers.is_do_not_contact
    group by
        entries.customer_id, entries.list_name, entries.reason, entries.role, entries.known_at,
        data_day.as_of_date, data_day.as_of_ts
),

judged as (
    select answers.*, crm.accounts > 0 or answers.list_name = 'support_tickets' as is_known
    from answers
    cross join (select count(*) as accounts from {{ ref('stg_crm__accounts') }}) as crm
)

select
    list_name,
    customer_id,
    reason,
    role,
    known_at,
    first_contact_at,
    case
        when not is_known then 'unknown'
        when first_contact_at is not null then 'answered'
        when ended_at is not null then 'ended_unanswered'
        else 'waiting'
    end as outcome,
    cast(
        case
            when is_known
                then greatest({{ dbt.datediff('known_at', 'coalesce(first_contact_at, ended_at, as_of_ts)', 'minute') }}, 0)
        end as int
    ) as waited_minutes,
    as_of_date
from judged

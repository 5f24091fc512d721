{#- Rules about what customers said to us, asked of support, and about whom we speak to. A source without rows says nothing.
    Of a rule about days without something, `figures` has the last day with it. -#}
with accounts as (
    {{ account_customers() }}
),

said as (
    select
        accounts.customer_id,
        activities.topic,
        activities.activity_kind,
        cast(activities.happened_at as date) as said_on,
        data_day.as_of_date,
        activities.happened_at >= {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('mention_days') ~ ' as int)', 'data_day.as_of_ts'
        ) }} as is_recent,
        coalesce(activities.answered_at < data_day.as_of_ts, false) or coalesce(
            max(case when activities.direction = 'inbound' then activities.happened_at end) over (
                partition by accounts.customer_id
            ) > activities.happened_at, false
        ) as is_answered
    from {{ ref('stg_crm__activities') }} as activities
    inner join accounts
        on activities.account_id = accounts.account_id
        and cast(activities.happened_at as date) >= accounts.held_from
        and cast(activities.happened_at as date) < accounts.held_before
    cross join {{ ref('int_data_day') }} as data_day
    where activities.happened_at < data_day.as_of_ts
),

{#- The day comes from what was said: without any activity nobody is known to be silent. -#}
held as (
    select
        owners.customer_id,
        days.as_of_date,
        greatest(owners.owner_came_on, coalesce(max(words.said_on), owners.owner_came_on)) as last_word_on
    from {{ ref('int_customer_owners') }} as owners
    cross join (select distinct as_of_date from said) as days
    left join said as words
        on owners.customer_id = words.customer_id
        and words.activity_kind <> 'note'
    where owners.owner_rank = 1
    group by owners.customer_id, owners.owner_came_on, days.as_of_date
),

champions as (
    select
        accounts.customer_id,
        count(*) as champions,
        sum(case when contacts.left_at < data_day.as_of_ts then 1 else 0 end) as gone,
        max(case when contacts.left_at < data_day.as_of_ts then cast(contacts.left_at as date) end) as gone_on
    from (
        {{ version_on_data_day(
            ref('stg_crm__contacts'),
            key=['contact_id'],
            stamp='updated_at',
            columns=['contact_id', 'account_id', 'contact_role', 'left_at'],
        ) | indent(8) }}
    ) as contacts
    cross join {{ ref('int_data_day') }} as data_day
    inner join accounts
        on contacts.account_id = accounts.account_id
        and data_day.as_of_date >= accounts.held_from
        and data_day.as_of_date < accounts.held_before
    where contacts.contact_role = 'champion'
    group by accounts.customer_id
),

tickets as (
    select
        members.customer_id,
        tickets.topic,
        cast(tickets.created_at as date) as opened_on,
        row_number() over (partition by members.customer_id order by tickets.created_at, tickets.ticket_id) as place,
        signals.threshold
    from {{ ref('stg_support__tickets') }} as tickets
    inner join {{ ref('int_customers') }} as members on tickets.organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'ticket_spike'
    where tickets.created_at < data_day.as_of_ts and cast(tickets.created_at as date) > {{ dbt.dateadd('day', -30, 'data_day.as_of_date') }}
),

figures as (
    {% for signal, figure, since, rows in [
        ('silent', dbt.datediff('last_word_on', 'as_of_date', 'day'), 'last_word_on', 'held'),
        ('champion_left', 'gone', 'gone_on', 'champions where gone = champions'),
        ('ticket_spike', 'count(*)', 'max(case when place <= threshold + 1 then opened_on end)',
            'tickets group by customer_id'),
        ('full_export_asked', 'count(*)', 'min(opened_on)', "tickets where topic = 'export' group by customer_id"),
        ('recommendation_ignored', 'max(' ~ dbt.datediff('said_on', 'as_of_date', 'day') ~ ')', 'min(said_on)',
            "said where topic = 'recommendation' and not is_answered group by customer_id"),
        ('evaluating_alternatives', 'count(*)', 'min(said_on)',
            "said where topic = 'alternatives' and is_recent group by customer_id"),
        ('custom_builds', 'count(*)', 'min(said_on)',
            "said where topic = 'custom_build' and is_recent group by customer_id"),
    ] -%}
    select customer_id, '{{ signal }}' as signal, {{ figure }} as figure, {{ since }} as since
    from {{ rows }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    figures.customer_id,
    figures.signal,
    case when figures.signal = 'custom_builds' then 'product_analytics' end as product_key,
    cast(figures.figure as decimal(24, 4)) as figure,
    case
        when figures.signal in ('silent', 'recommendation_ignored')
            then {{ fires_from('figures.since') | indent(12) }}
        else figures.since
    end as since
from figures
inner join {{ ref('account_signals') }} as signals
    on figures.signal = signals.signal
    and {{ fires('figures.figure') | indent(8) }}

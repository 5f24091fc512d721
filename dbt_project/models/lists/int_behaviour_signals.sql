{#- Rules about what people did in the product, asked of support and said to us. A source without rows says nothing, and a
    count that was never recorded is not zero. -#}
{%- set recent = namespace(days={}) -%}
{%- for days in [7, 30] -%}
    {%- do recent.days.update({days: dbt.dateadd('day', -days, 'data_day.as_of_date')}) -%}
{%- endfor -%}

with events as (
    select
        members.customer_id,
        data_day.as_of_date,
        max(case when events.insights_viewed > 0 then events.date end) as insights_viewed_on,
        sum(case when events.date > {{ recent.days[7] }} then events.billing_page_views end) as visits,
        min(case when events.date > {{ recent.days[7] }} and events.billing_page_views > 0 then events.date end) as visits_since,
        sum(case when events.date > {{ recent.days[7] }} then events.queries end) as queries,
        sum(case when events.date > {{ recent.days[7] }} then events.failed_queries end) as failed_queries,
        min(case when events.date > {{ recent.days[7] }} and events.failed_queries > 0 then events.date end) as failures_since,
        sum(case when events.date > {{ recent.days[30] }} then events.experiments_viewed end) as experiments_viewed,
        sum(case when events.date > {{ recent.days[30] }} then events.web_analytics_viewed end) as web_analytics_viewed
    from {{ ref('stg_product_events__events_daily') }} as events
    inner join {{ ref('int_customers') }} as members on events.organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where events.date <= data_day.as_of_date
    group by members.customer_id, data_day.as_of_date
),

people as (
    select
        customer_id,
        sum(case when role_at_organization = 'product' then 1 else 0 end) as product_people,
        sum(case when role_at_organization = 'marketing' then 1 else 0 end) as marketers
    from {{ ref('int_active_users') }}
    group by customer_id
),

accounts as (
    select distinct account_id, customer_id
    from {{ ref('int_account_owners') }}
),

said as (
    select
        accounts.customer_id,
        activities.topic,
        activities.direction,
        activities.activity_kind,
        activities.happened_at,
        cast(activities.happened_at as date) as said_on,
        coalesce(activities.answered_at < data_day.as_of_ts, false) as is_answered,
        data_day.as_of_date,
        activities.happened_at >= {{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('mention_days') ~ ' as int)', 'data_day.as_of_ts'
        ) }} as is_recent,
        max(case when activities.direction = 'inbound' then activities.happened_at end) over (
            partition by accounts.customer_id
        ) as last_inbound_at
    from {{ ref('stg_crm__activities') }} as activities
    inner join accounts on activities.account_id = accounts.account_id
    cross join {{ ref('int_data_day') }} as data_day
    where activities.happened_at < data_day.as_of_ts
),

crm as (
    select count(*) > 0 as has_activities
    from said
),

words as (
    select customer_id, max(said_on) as last_word_on
    from said
    where activity_kind <> 'note'
    group by customer_id
),

held as (
    select
        owners.customer_id,
        greatest(owners.owner_came_on, coalesce(words.last_word_on, owners.owner_came_on)) as last_word_on,
        data_day.as_of_date
    from {{ ref('int_customer_owners') }} as owners
    cross join {{ ref('int_data_day') }} as data_day
    inner join crm on crm.has_activities
    left join words on owners.customer_id = words.customer_id
    where owners.owner_rank = 1
),

contacts as (
    {{ version_on_data_day(
        ref('stg_crm__contacts'),
        key=['contact_id'],
        stamp='updated_at',
        columns=['contact_id', 'account_id', 'contact_role', 'left_at'],
    ) | indent }}
),

champions as (
    select
        accounts.customer_id,
        sum(case when contacts.left_at < data_day.as_of_ts then 1 else 0 end) as gone,
        sum(case when contacts.left_at < data_day.as_of_ts then 0 else 1 end) as present,
        max(case when contacts.left_at < data_day.as_of_ts then cast(contacts.left_at as date) end) as gone_on
    from contacts
    inner join accounts on contacts.account_id = accounts.account_id
    cross join {{ ref('int_data_day') }} as data_day
    where contacts.contact_role = 'champion'
    group by accounts.customer_id
),

tickets as (
    select
        members.customer_id,
        tickets.topic,
        cast(tickets.created_at as date) as opened_on,
        cast(tickets.created_at as date) > {{ recent.days[30] }} as is_of_last_month,
        row_number() over (
            partition by members.customer_id, cast(tickets.created_at as date) > {{ recent.days[30] }}
            order by tickets.created_at, tickets.ticket_id
        ) as place
    from {{ ref('stg_support__tickets') }} as tickets
    inner join {{ ref('int_customers') }} as members on tickets.organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where tickets.created_at < data_day.as_of_ts
),

figures as (
    select customer_id, 'billing_page_visits' as signal, visits as figure, visits_since as since
    from events

    union all

    select
        customer_id,
        'query_failures',
        {{ percent_of_millionths(divide_half_up('1000000 * failed_queries', 'greatest(queries, 1)')) }},
        failures_since
    from events

    union all

    select
        customer_id,
        'insights_not_viewed',
        {{ dbt.datediff('insights_viewed_on', 'as_of_date', 'day') }},
        insights_viewed_on
    from events

    union all

    select customer_id, 'ticket_spike', count(*), max(case when place <= signals.threshold + 1 then opened_on end)
    from tickets
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'ticket_spike'
    where is_of_last_month
    group by customer_id

    union all

    select customer_id, 'full_export_asked', count(*), min(opened_on)
    from tickets
    where topic = 'export' and is_of_last_month
    group by customer_id

    union all

    select customer_id, 'silent', {{ dbt.datediff('last_word_on', 'as_of_date', 'day') }}, last_word_on
    from held

    union all

    select
        customer_id,
        'recommendation_ignored',
        max({{ dbt.datediff('said_on', 'as_of_date', 'day') }}),
        min(said_on)
    from said
    where topic = 'recommendation' and not is_answered and coalesce(last_inbound_at <= happened_at, true)
    group by customer_id

    union all

    select customer_id, 'evaluating_alternatives', count(*), min(said_on)
    from said
    where topic = 'alternatives' and is_recent
    group by customer_id

    union all

    select customer_id, 'champion_left', gone, gone_on
    from champions
    where present = 0

    union all

    select customer_id, 'custom_builds', count(*), min(said_on)
    from said
    where topic = 'custom_build' and is_recent
    group by customer_id

    union all

    select people.customer_id, 'experiments_not_viewed', people.product_people, events.as_of_date
    from people
    inner join events on people.customer_id = events.customer_id
    where events.experiments_viewed = 0

    union all

    select customers.customer_id, 'web_analytics', customers.employees, events.as_of_date
    from {{ ref('int_listed_customers') }} as customers
    inner join people on customers.customer_id = people.customer_id
    inner join events on customers.customer_id = events.customer_id
    where people.marketers > 0 and events.web_analytics_viewed = 0
)

select
    figures.customer_id,
    figures.signal,
    case figures.signal
        when 'experiments_not_viewed' then 'feature_flags'
        when 'web_analytics' then 'product_analytics'
        when 'custom_builds' then 'product_analytics'
    end as product_key,
    cast(figures.figure as decimal(24, 4)) as figure,
    figures.since
from figures
inner join {{ ref('account_signals') }} as signals
    on figures.signal = signals.signal
    and {{ fires('figures.figure') | indent(8) }}

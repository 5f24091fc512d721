{#- Rules about what people did in the product, asked of support and said to us. A source without rows says nothing, and a
    count that was never recorded is not zero. Of a rule about days without something, `figures` has the last day
    with it. -#}
{%- set a_month_ago = dbt.dateadd('day', -30, 'data_day.as_of_date') -%}
{%- set look_back = 'cast(' ~ threshold('health_window_days') ~ ' as int)' -%}

with events as (
    select
        members.customer_id,
        data_day.as_of_date,
        {% for column in ['experiments_viewed', 'web_analytics_viewed'] -%}
        sum(case when events.date > {{ a_month_ago }} then events.{{ column }} end) as {{ column }},
        coalesce(
            cast({{ dbt.dateadd('day', 30, 'max(case when events.' ~ column ~ ' > 0 then events.date end)') }} as date),
            min(case when events.{{ column }} = 0 then events.date end)
        ) as not_{{ column }}_since,
        {% endfor -%}
        max(case when events.insights_viewed > 0 then events.date end) as insights_viewed_on
    from {{ ref('stg_product_events__events_daily') }} as events
    inner join {{ ref('int_customers') }} as members on events.organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where events.date <= data_day.as_of_date
    group by members.customer_id, data_day.as_of_date
),

{#- The seven days up to each of the last ones: a day's events are in the weeks up to it and the six after it. A
    share of queries is of days that have both counts. -#}
weeks as (
    select
        dated.customer_id,
        cast({{ dbt.datediff('dated.day', 'data_day.as_of_date', 'day') }} as int) as step,
        dated.day,
        sum(dated.billing_page_views) as billing_page_views,
        sum(case when dated.failed_queries is not null then dated.queries end) as queries,
        sum(case when dated.queries is not null then dated.failed_queries end) as failed_queries
    from (
        select
            members.customer_id,
            cast({{ dbt.dateadd('day', 'cast(later.generated_number as int) - 1', 'events.date') }} as date) as day,
            events.billing_page_views,
            events.queries,
            events.failed_queries
        from {{ ref('stg_product_events__events_daily') }} as events
        inner join {{ ref('int_customers') }} as members on events.organization_id = members.organization_id
        cross join {{ ref('int_data_day') }} as data_day
        cross join ({{ dbt.generate_series(7) }}) as later
        where events.date > {{ dbt.dateadd('day', '-7 - ' ~ look_back, 'data_day.as_of_date') }}
    ) as dated
    cross join {{ ref('int_data_day') }} as data_day
    where
        dated.day <= data_day.as_of_date
        and dated.day > {{ dbt.dateadd('day', '-1 * ' ~ look_back, 'data_day.as_of_date') }}
    group by dated.customer_id, dated.day, data_day.as_of_date
),

people as (
    select
        customer_id,
        sum(case when role_at_organization = 'product' then 1 else 0 end) as product_people,
        min(case when role_at_organization = 'product' then joined_on end) as product_people_since,
        sum(case when role_at_organization = 'marketing' then 1 else 0 end) as marketers,
        min(case when role_at_organization = 'marketing' then joined_on end) as marketers_since
    from {{ ref('int_active_users') }}
    group by customer_id
),

accounts as (
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
    where tickets.created_at < data_day.as_of_ts and cast(tickets.created_at as date) > {{ a_month_ago }}
),

fired as (
    select
        weekly.customer_id,
        weekly.signal,
        weekly.step,
        weekly.day,
        cast(weekly.figure as decimal(24, 4)) as figure
    from (
        {% for signal, figure in [
            ('billing_page_visits', 'billing_page_views'),
            ('query_failures', percent_of_millionths(divide_half_up(
                'cast(1000000 as decimal(38, 0)) * failed_queries', 'greatest(queries, 1)', 'decimal(38, 0)'
            ))),
        ] -%}
        select customer_id, step, day, '{{ signal }}' as signal, {{ figure }} as figure
        from weeks
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as weekly
    inner join {{ ref('account_signals') }} as signals
        on weekly.signal = signals.signal
        and {{ fires('weekly.figure') | indent(8) }}
),

figures as (
    {{ unbroken_since('fired', ['customer_id', 'signal']) }}

    union all

    {% for signal, figure, since, rows in [
        ('insights_not_viewed', dbt.datediff('insights_viewed_on', 'as_of_date', 'day'), 'insights_viewed_on', 'events'),
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

    union all

    {% endfor -%}
    select
        people.customer_id,
        'experiments_not_viewed',
        people.product_people,
        greatest(events.not_experiments_viewed_since, people.product_people_since)
    from people
    inner join events on people.customer_id = events.customer_id
    where events.experiments_viewed = 0

    union all

    select
        customers.customer_id,
        'web_analytics',
        customers.employees,
        greatest(events.not_web_analytics_viewed_since, people.marketers_since, customers.company_known_on)
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
    case
        when figures.signal in ('insights_not_viewed', 'silent', 'recommendation_ignored')
            then {{ fires_from('figures.since') | indent(12) }}
        else figures.since
    end as since
from figures
inner join {{ ref('account_signals') }} as signals
    on figures.signal = signals.signal
    and {{ fires('figures.figure') | indent(8) }}

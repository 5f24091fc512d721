{#- Rules about what people did in the product. A source without rows says nothing, and a count that was never recorded is
    not zero. Of the rule about days without something, `figures` has the last day with it. -#}
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

    select
        customer_id,
        'insights_not_viewed',
        {{ dbt.datediff('insights_viewed_on', 'as_of_date', 'day') }},
        insights_viewed_on
    from events

    union all

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
    end as product_key,
    cast(figures.figure as decimal(24, 4)) as figure,
    case
        when figures.signal = 'insights_not_viewed'
            then {{ fires_from('figures.since') | indent(12) }}
        else figures.since
    end as since
from figures
inner join {{ ref('account_signals') }} as signals
    on figures.signal = signals.signal
    and {{ fires('figures.figure') | indent(8) }}

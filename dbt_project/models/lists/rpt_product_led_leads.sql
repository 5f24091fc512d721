{#- Leads are customers that nobody in sales or success holds. A score is of facts about the
    company, so it has held since they are known. Who is about to pay comes before who scores well. -#}
with scores as (
    select
        organizations.customer_id,
        max(scores.points) as lead_points
    from {{ ref('rpt_scores') }} as scores
    inner join {{ ref('int_customers') }} as organizations on scores.organization_id = organizations.organization_id
    where
        scores.score = 'lead_70'
        and scores.version = (select max(version) from {{ ref('score_cuts') }} where score = 'lead_70')
        and scores.passes
    group by organizations.customer_id
),

users as (
    select customer_id, count(*) as users
    from {{ ref('int_active_users') }}
    group by customer_id
),

senders as (
    select customer_id
    from {{ ref('int_customer_volumes') }}
    where product_key = 'product_analytics' and weeks_ago = 0 and recent_quantity > 0
),

scored as (
    select
        customers.customer_id,
        users.users,
        customers.company_known_on,
        coalesce(customers.employees >= {{ threshold('lead_employees_min') }}, false)
            and senders.customer_id is not null as is_larger
    from {{ ref('int_listed_customers') }} as customers
    inner join scores on customers.customer_id = scores.customer_id
    inner join users on customers.customer_id = users.customer_id
    left join senders on customers.customer_id = senders.customer_id
    where not customers.is_subscribed
),

figures as (
    select customer_id, signal, figure, since, 1 as priority
    from {{ ref('int_forecast_signals') }}
    where signal in ('first_bill', 'startup_credit_used')

    union all

    select customer_id, 'lead_score', users, company_known_on, 3
    from scored

    union all

    select customer_id, 'lead_score_of_larger_team', users, company_known_on, 2
    from scored
    where is_larger
),

candidates as (
    select
        figures.customer_id,
        figures.signal,
        figures.figure,
        figures.since,
        figures.priority,
        scores.lead_points,
        routing.suggested_owner_role
    from figures
    left join scores on figures.customer_id = scores.customer_id
    left join {{ ref('fct_account_routing_history') }} as routing
        on figures.customer_id = routing.customer_id
        and routing.valid_to is null
)

{{ account_list(
    'product_led_leads',
    'candidates',
    columns=['candidates.lead_points', 'candidates.suggested_owner_role'],
    order=['candidates.priority', 'coalesce(candidates.lead_points, 0) desc'],
    where='not customers.is_held_by_sales',
) }}

{#- A renewal is a risk only together with another risk, from the later of the two days. If nobody has logged in
    lately, logins are not recorded and the rule is silent. If few have, the risk began when the last of the others
    left. A team no larger than the threshold is only small. -#}
with active_users as (
    select customer_id, sum(case when is_recent then 1 else 0 end) as active_users, count(*) as people
    from {{ ref('int_active_users') }}
    group by customer_id
),

departures as (
    select
        customer_id,
        last_login_on,
        row_number() over (partition by customer_id order by last_login_on desc, user_id) as departure_rank
    from {{ ref('int_active_users') }}
    where not is_recent and last_login_on is not null
),

owned_and_paying as (
    select customers.customer_id
    from {{ ref('int_listed_customers') }} as customers
    left join {{ ref('fct_account_routing_history') }} as routing
        on customers.customer_id = routing.customer_id
        and routing.valid_to is null
    where customers.is_paying or routing.suggested_owner_role is not null
),

figures as (
    {% for signals in [
        'int_volume_signals', 'int_forecast_signals', 'int_unpaid_bills', 'int_owner_changes', 'int_event_signals',
        'int_conversation_signals',
    ] -%}
    select customer_id, signal, figure, since
    from {{ ref(signals) }}

    union all

    {% endfor -%}
    select
        active_users.customer_id,
        'few_active_users',
        active_users.active_users,
        coalesce(
            cast({{ dbt.dateadd(
                'day', 'cast(' ~ threshold('active_user_days') ~ ' as int)', 'departures.last_login_on'
            ) }} as date),
            customers.created_on
        )
    from active_users
    inner join {{ ref('int_listed_customers') }} as customers on active_users.customer_id = customers.customer_id
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'few_active_users'
    left join departures
        on active_users.customer_id = departures.customer_id
        and signals.threshold - active_users.active_users + 1 = departures.departure_rank
    where active_users.active_users > 0 and active_users.people > signals.threshold
),

risks as (
    select figures.customer_id, figures.signal, figures.figure, figures.since
    from figures
    inner join owned_and_paying on figures.customer_id = owned_and_paying.customer_id
),

negative as (
    select risks.customer_id, min(risks.since) as since
    from risks
    inner join {{ ref('account_signals') }} as signals
        on signals.list_name = 'account_risk'
        and risks.signal = signals.signal
        and {{ fires('risks.figure') | indent(8) }}
    where signals.kind = 'risk'
    group by risks.customer_id
),

renewals as (
    select members.customer_id, cast(min(billing.annual_plan_end_at) as date) as ends_on
    from {{ ref('int_billing_versions') }} as billing
    inner join {{ ref('int_customers') }} as members on billing.organization_id = members.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    where billing.is_current and billing.annual_plan_end_at >= data_day.as_of_ts
    group by members.customer_id
),

candidates as (
    select customer_id, signal, figure, since
    from risks

    union all

    select
        renewals.customer_id,
        'renewal_near',
        {{ dbt.datediff('data_day.as_of_date', 'renewals.ends_on', 'day') }},
        greatest(
            negative.since,
            cast({{ dbt.dateadd('day', '1 - cast(signals.threshold as int)', 'renewals.ends_on') }} as date)
        )
    from renewals
    inner join negative on renewals.customer_id = negative.customer_id
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'renewal_near'
)

{{ account_list('account_risk', 'candidates', columns=['signals.kind', 'customers.is_do_not_contact']) }}

{#- A renewal depends on the contract's end alone. -#}
with states as (
    select
        organization_id,
        as_of_date,
        {{ runway_signal('runs_out_on', 'term_starts_on', 'term_ends_on') | indent(8) }} as signal
    from {{ ref('int_credit_states') }}
),

today as (
    select
        credit.organization_id,
        members.customer_id,
        credit.as_of_date,
        credit.term_starts_on,
        credit.term_ends_on,
        credit.credit_balance_usd,
        credit.burn_usd_day,
        credit.runs_out_on,
        case
            when credit.runs_out_on < credit.as_of_date then 0
            else {{ dbt.datediff('credit.as_of_date', 'credit.runs_out_on', 'day') }}
        end as runway_days,
        {{ dbt.datediff('credit.as_of_date', 'credit.term_ends_on', 'day') }} as term_days_left,
        cast(
            {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('renewal_months') ~ ' as int)', 'credit.term_ends_on') }} as date
        ) as renewal_due_on,
        states.signal
    from {{ ref('int_credit_states') }} as credit
    inner join {{ ref('int_data_day') }} as data_day on credit.as_of_date = data_day.as_of_date
    inner join states
        on credit.organization_id = states.organization_id
        and credit.as_of_date = states.as_of_date
    inner join {{ ref('int_customers') }} as members on credit.organization_id = members.organization_id
),

last_changes as (
    select today.organization_id, max(states.as_of_date) as changed_after
    from today
    inner join states
        on today.organization_id = states.organization_id
        and (states.signal is null or today.signal <> states.signal)
    group by today.organization_id
),

since as (
    select today.organization_id, min(states.as_of_date) as since
    from today
    inner join states on today.organization_id = states.organization_id
    left join last_changes on today.organization_id = last_changes.organization_id
    where last_changes.changed_after is null or states.as_of_date > last_changes.changed_after
    group by today.organization_id
),

fired as (
    select
        today.organization_id,
        today.customer_id,
        today.signal,
        today.runway_days as figure,
        today.term_days_left as threshold,
        since.since
    from today
    inner join since on today.organization_id = since.organization_id
    where today.signal is not null

    union all

    select
        organization_id,
        customer_id,
        'renewal_due',
        term_days_left,
        {{ dbt.datediff('renewal_due_on', 'term_ends_on', 'day') }},
        greatest(renewal_due_on, term_starts_on)
    from today
    where as_of_date >= renewal_due_on
),

placed as (
    select
        fired.*,
        row_number() over (
            partition by fired.customer_id, fired.signal
            order by fired.figure, fired.organization_id
        ) as place
    from fired
)

select
    placed.customer_id,
    organizations.name as customer_name,
    placed.signal,
    placed.organization_id,
    others.others as other_organizations,
    signals.rule as what_fired,
    cast(placed.figure as decimal(24, 4)) as figure,
    cast(placed.threshold as decimal(24, 4)) as threshold,
    signals.unit,
    placed.since,
    signals.next_action,
    today.credit_balance_usd,
    today.burn_usd_day,
    today.runs_out_on,
    cast(today.runway_days as int) as runway_days,
    cast(today.term_days_left as int) as term_days_left,
    today.term_starts_on,
    today.term_ends_on,
    segments.icp_segment,
    case
        when segments.list_order is not null
            then {{ list_rank('segments', ['today.term_ends_on', 'placed.customer_id', 'placed.signal']) | indent(12) }}
    end as list_rank,
    today.as_of_date
from placed
inner join today on placed.organization_id = today.organization_id
inner join {{ ref('credit_runway_signals') }} as signals on placed.signal = signals.signal
inner join {{ ref('int_organization_segments') }} as segments on placed.customer_id = segments.organization_id
left join {{ ref('int_organizations') }} as organizations on placed.customer_id = organizations.organization_id
{{ join_others('placed', 'organization_id') }}
where placed.place = 1

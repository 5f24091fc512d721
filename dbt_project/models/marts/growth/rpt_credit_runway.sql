{#- What to do follows from when in the contract the credit runs out. -#}
with signals as (
    select
        organization_id,
        as_of_date,
        term_starts_on,
        term_ends_on,
        credit_balance_usd,
        burn_usd_day,
        runs_out_on,
        case
            when runs_out_on >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('credit_free_months') ~ ' as int)', 'term_ends_on') }}
                then 'runs_out_near_renewal'
            when runs_out_on < {{ dbt.dateadd('month', 'cast(' ~ threshold('credit_topup_months') ~ ' as int)', 'term_starts_on') }}
                then 'runs_out_early'
            when runs_out_on is not null then 'runs_out'
            when as_of_date >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('renewal_months') ~ ' as int)', 'term_ends_on') }}
                then 'renewal_due'
        end as signal
    from {{ ref('int_credit_states') }}
),

today as (
    select signals.*
    from signals
    inner join {{ ref('int_data_day') }} as data_day on signals.as_of_date = data_day.as_of_date
    where signals.signal is not null
),

last_changes as (
    select today.organization_id, max(signals.as_of_date) as changed_after
    from today
    inner join signals
        on today.organization_id = signals.organization_id
        and (signals.signal is null or today.signal <> signals.signal)
    group by today.organization_id
),

since as (
    select today.organization_id, min(signals.as_of_date) as since
    from today
    inner join signals on today.organization_id = signals.organization_id
    left join last_changes on today.organization_id = last_changes.organization_id
    where signals.as_of_date <= today.as_of_date
        and (last_changes.changed_after is null or signals.as_of_date > last_changes.changed_after)
    group by today.organization_id
)

select
    customers.customer_id,
    today.organization_id,
    today.signal,
    today.credit_balance_usd,
    today.burn_usd_day,
    today.runs_out_on,
    cast(
        case
            when today.runs_out_on < today.as_of_date then 0
            else {{ dbt.datediff('today.as_of_date', 'today.runs_out_on', 'day') }}
        end as int
    ) as runway_days,
    cast({{ dbt.datediff('today.as_of_date', 'today.term_ends_on', 'day') }} as int) as term_days_left,
    cast(
        case
            when today.signal = 'renewal_due' then {{ dbt.datediff(dbt.dateadd('month', '-1 * cast(' ~ threshold('renewal_months') ~ ' as int)', 'today.term_ends_on'), 'today.term_ends_on', 'day') }}
            else {{ dbt.datediff('today.as_of_date', 'today.term_ends_on', 'day') }}
        end as int
    ) as threshold_days,
    today.term_starts_on,
    today.term_ends_on,
    since.since,
    actions.next_action,
    segments.icp_segment,
    case
        when segments.list_order is not null
            then {{ list_rank('segments', ['today.term_ends_on', 'today.organization_id']) | indent(12) }}
    end as list_rank,
    today.as_of_date
from today
inner join since on today.organization_id = since.organization_id
inner join {{ ref('int_customers') }} as customers on today.organization_id = customers.organization_id
inner join {{ ref('int_organization_segments') }} as segments on customers.customer_id = segments.organization_id
left join {{ ref('credit_runway_signals') }} as actions on today.signal = actions.signal

{#- A deal is large from the first day of the unbroken run of versions in which enough criteria hold; the one of time may
    come to hold within a version. The first version holds from the day on which the deal was created. -#}
with numbered as (
    select
        opportunity_id,
        account_id,
        opportunity_type,
        stage,
        amount_usd_year,
        stakeholders,
        non_engineer_stakeholders,
        has_new_feature_requests,
        procurement_started_at,
        created_at,
        closed_at,
        updated_at,
        row_number() over (partition by opportunity_id order by updated_at) as version_number
    from {{ ref('stg_crm__opportunities') }}
),

versions as (
    select
        opportunities.opportunity_id,
        opportunities.account_id,
        opportunities.opportunity_type,
        opportunities.stage,
        opportunities.amount_usd_year,
        opportunities.stakeholders,
        opportunities.non_engineer_stakeholders,
        opportunities.closed_at,
        opportunities.updated_at,
        cast(
            case
                when opportunities.version_number = 1 then coalesce(opportunities.created_at, opportunities.updated_at)
                else opportunities.updated_at
            end as date
        ) as valid_from,
        cast(
            {{ dbt.dateadd(
                'month', 'cast(' ~ threshold('large_deal_procurement_months') ~ ' as int)', 'opportunities.procurement_started_at'
            ) }} as date
        ) as procurement_long_on,
        coalesce(opportunities.has_new_feature_requests, false) as wants_new_features,
        coalesce(
            opportunities.stakeholders >= {{ threshold('large_deal_stakeholders') }}
            and opportunities.non_engineer_stakeholders > 0,
            false
        ) as has_several_stakeholders,
        coalesce(opportunities.amount_usd_year > {{ threshold('large_deal_above_usd_year') }}, false) as is_valuable,
        lead(opportunities.updated_at) over (
            partition by opportunities.opportunity_id
            order by opportunities.updated_at
        ) as next_at,
        data_day.as_of_date,
        data_day.as_of_ts
    from numbered as opportunities
    cross join {{ ref('int_data_day') }} as data_day
    where
        opportunities.updated_at < data_day.as_of_ts
        or (opportunities.version_number = 1 and opportunities.created_at < data_day.as_of_ts)
),

counted as (
    select
        versions.*,
        case when wants_new_features then 1 else 0 end
            + case when has_several_stakeholders then 1 else 0 end
            + case when is_valuable then 1 else 0 end as other_criteria,
        coalesce(procurement_long_on <= as_of_date, false) as has_long_procurement,
        signals.threshold
    from versions
    cross join {{ ref('account_signals') }} as signals
    where signals.signal = 'large_deal'
),

dated as (
    select
        counted.*,
        case
            when other_criteria >= threshold then valid_from
            when
                other_criteria + 1 >= threshold
                and procurement_long_on <= as_of_date
                and coalesce(procurement_long_on < cast(next_at as date), true)
                then greatest(valid_from, procurement_long_on)
        end as large_on
    from counted
),

runs as (
    select
        dated.*,
        lag(large_on) over (partition by opportunity_id order by updated_at) is not null as was_large
    from dated
),

since as (
    select opportunity_id, max(large_on) as since
    from runs
    where large_on is not null and not (was_large and large_on = valid_from)
    group by opportunity_id
),

candidates as (
    select
        accounts.customer_id,
        'large_deal' as signal,
        runs.opportunity_id,
        runs.opportunity_type,
        runs.stage,
        {{ round_half_up('runs.amount_usd_year') }} as amount_usd_year,
        runs.has_long_procurement,
        runs.wants_new_features,
        runs.has_several_stakeholders,
        runs.is_valuable,
        runs.other_criteria + case when runs.has_long_procurement then 1 else 0 end as figure,
        since.since
    from runs
    inner join since on runs.opportunity_id = since.opportunity_id
    inner join {{ ref('int_account_owners') }} as accounts
        on runs.account_id = accounts.account_id
        and runs.as_of_date >= accounts.held_from
        and runs.as_of_date < accounts.held_before
    where runs.next_at is null and coalesce(runs.closed_at >= runs.as_of_ts, true)
)

{{ account_list(
    'large_deals',
    'candidates',
    key=['candidates.opportunity_id'],
    columns=[
        'candidates.opportunity_type', 'candidates.stage', 'candidates.amount_usd_year',
        'candidates.has_long_procurement', 'candidates.wants_new_features', 'candidates.has_several_stakeholders',
        'candidates.is_valuable',
    ],
) }}

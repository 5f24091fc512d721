{#- A deal is large from the first day of the unbroken run of versions in which enough criteria hold, until one in which
    they do not, or until it is closed; the criterion of time may come to hold within a version. The first version holds
    from the day on which the deal was created. Of the versions of one day the last one counts. -#}
with versions as (
    select
        opportunities.opportunity_id,
        opportunities.account_id,
        opportunities.opportunity_type,
        opportunities.stage,
        opportunities.amount_usd_year,
        opportunities.updated_at,
        row_number() over (
            partition by opportunities.opportunity_id
            order by opportunities.updated_at
        ) as version_number,
        cast(opportunities.created_at as date) as created_on,
        cast(
            {{ dbt.dateadd(
                'month', 'cast(' ~ threshold('large_deal_procurement_months') ~ ' as int)', 'opportunities.procurement_started_at'
            ) }} as date
        ) as procurement_long_on,
        case when opportunities.closed_at < data_day.as_of_ts then cast(opportunities.closed_at as date) end as closed_on,
        coalesce(opportunities.has_new_feature_requests, false) as wants_new_features,
        coalesce(
            opportunities.stakeholders >= {{ threshold('large_deal_stakeholders') }}
            and opportunities.non_engineer_stakeholders > 0,
            false
        ) as has_several_stakeholders,
        coalesce(opportunities.amount_usd_year > {{ threshold('large_deal_above_usd_year') }}, false) as is_valuable,
        data_day.as_of_date,
        data_day.as_of_ts
    from {{ ref('stg_crm__opportunities') }} as opportunities
    cross join {{ ref('int_data_day') }} as data_day
),

known as (
    select
        versions.*,
        case when version_number = 1 then coalesce(created_on, cast(updated_at as date)) else cast(updated_at as date) end
            as valid_from,
        cast(lead(updated_at) over (partition by opportunity_id order by updated_at) as date) as next_from,
        case when wants_new_features then 1 else 0 end
            + case when has_several_stakeholders then 1 else 0 end
            + case when is_valuable then 1 else 0 end as other_criteria,
        coalesce(procurement_long_on <= as_of_date, false) as has_long_procurement
    from versions
    where updated_at < as_of_ts or (version_number = 1 and created_on <= as_of_date)
),

dated as (
    select
        known.*,
        least(coalesce(next_from, closed_on), coalesce(closed_on, next_from)) as large_before,
        case
            when known.other_criteria >= signals.threshold then known.valid_from
            when known.other_criteria + 1 >= signals.threshold and known.procurement_long_on <= known.as_of_date
                then greatest(known.valid_from, known.procurement_long_on)
        end as large_from
    from known
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'large_deal'
),

numbered as (
    select
        dated.*,
        case
            when lag(large_before) over (partition by opportunity_id order by updated_at) = large_from then 0
            else 1
        end as begins
    from dated
    where coalesce(large_from < large_before, large_from is not null)
),

grouped as (
    select
        numbered.*,
        sum(begins) over (
            partition by opportunity_id
            order by updated_at
            rows between unbounded preceding and current row
        ) as span_number
    from numbered
),

spans as (
    select
        grouped.*,
        min(large_from) over (partition by opportunity_id, span_number) as span_from,
        row_number() over (partition by opportunity_id, span_number order by updated_at desc) as version_rank
    from grouped
)

select
    opportunity_id,
    account_id,
    opportunity_type,
    stage,
    amount_usd_year,
    has_long_procurement,
    wants_new_features,
    has_several_stakeholders,
    is_valuable,
    other_criteria + case when has_long_procurement then 1 else 0 end as criteria,
    span_from as large_from,
    large_before
from spans
where version_rank = 1

{#- The first segment that is met, in the order of seed `segments`; a met one counts above one that is open. -#}
with states as (
    select span_id, segment, min(state) as state
    from {{ ref('int_criteria_group_states') }}
    group by span_id, segment
),

decided as (
    select
        states.span_id,
        min(case when states.state >= 2 then segments.precedence end) as met_precedence,
        min(case when states.state = 3 then segments.precedence end) as strictly_met_precedence,
        max(case when states.state = 1 then 1 else 0 end) = 1 as is_open
    from states
    inner join {{ ref('segments') }} as segments on states.segment = segments.segment
    group by states.span_id
)

select
    spans.span_id,
    spans.company_key,
    spans.valid_from,
    spans.valid_to,
    coalesce(segments.segment, case when decided.is_open then 'unknown' else 'other' end) as icp_segment,
    case
        when decided.met_precedence = decided.strictly_met_precedence then 'strict'
        when decided.met_precedence is not null then 'likely'
        when decided.is_open then 'unknown'
        else 'strict'
    end as icp_confidence,
    case when segments.segment is null and decided.is_open then spans.unknown_reason end as unknown_reason
from {{ ref('int_company_spans') }} as spans
inner join decided on spans.span_id = decided.span_id
left join {{ ref('segments') }} as segments on decided.met_precedence = segments.precedence

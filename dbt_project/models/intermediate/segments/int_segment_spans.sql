{#- The first segment that is met, in the order of seed `segments`; a met one counts above one that is open. -#}
with decided as (
    select
        states.span_id,
        min(case when states.state >= 2 then segments.precedence end) as met_precedence,
        min(case when states.state >= 2 then 10 * segments.precedence + 3 - states.state end) as met_code,
        max(case when states.state = 1 then 1 else 0 end) as is_open
    from {{ ref('int_segment_states') }} as states
    inner join {{ ref('segments') }} as segments on states.segment = segments.segment
    group by states.span_id
)

select
    spans.span_id,
    spans.company_key,
    spans.valid_from,
    spans.valid_to,
    coalesce(segments.segment, case when decided.is_open = 1 then 'unknown' else 'other' end) as icp_segment,
    case
        when decided.met_code > 10 * decided.met_precedence then 'likely'
        when decided.met_precedence is not null or decided.is_open = 0 then 'strict'
        else 'unknown'
    end as icp_confidence,
    case when segments.segment is null and decided.is_open = 1 then spans.unknown_reason end as unknown_reason
from {{ ref('int_company_spans') }} as spans
inner join decided on spans.span_id = decided.span_id
left join {{ ref('segments') }} as segments on decided.met_precedence = segments.precedence

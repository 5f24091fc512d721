{#- A group is met by any of its criteria; else it is open while one of them is not known, and tolerable if what is not
    known may be absent for good. A segment is as its weakest group. -#}
with groups as (
    select
        span_id,
        segment,
        criteria_group,
        max(
            case
                when is_met then 3
                when is_met is null and may_be_absent then 2
                when is_met is null then 1
                else 0
            end
        ) as best,
        max(case when is_met is null and not may_be_absent then 1 else 0 end) as is_open
    from {{ ref('int_criterion_results') }}
    group by span_id, segment, criteria_group
)

select
    span_id,
    segment,
    min(case when best = 3 then 3 when is_open = 1 then 1 else best end) as state
from groups
group by span_id, segment

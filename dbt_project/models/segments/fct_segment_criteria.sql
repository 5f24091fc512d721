with results as (
    select
        organizations.organization_id,
        results.segment,
        results.criterion,
        results.criteria_group,
        results.field,
        results.observed,
        results.threshold,
        results.is_met,
        case when deciding.span_id is not null then results.segment end as would_decide
    from {{ ref('int_organization_segments') }} as organizations
    inner join {{ ref('int_criterion_results') }} as results on organizations.span_id = results.span_id
    left join {{ ref('int_deciding_criteria') }} as deciding
        on results.span_id = deciding.span_id
        and results.segment = deciding.segment
        and results.criterion = deciding.criterion

    union all

    select
        organization_id,
        segment,
        criterion,
        criteria_group,
        field,
        observed,
        threshold,
        is_met,
        cast(null as {{ dbt.type_string() }}) as would_decide
    from {{ ref('int_flag_results') }}
)

select
    organization_id,
    segment,
    criterion,
    criteria_group,
    field,
    observed,
    threshold,
    case when is_met then 'met' when not is_met then 'not_met' else 'unknown' end as result,
    would_decide
from results

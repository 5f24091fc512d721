{#- A fact alone decides a segment if each group of the segment that is not met has a criterion on it. -#}
with undecided as (
    select distinct span_id
    from {{ ref('int_organization_segments') }}
    where icp_segment in ('unknown', 'other')
),

unmet_groups as (
    select states.span_id, states.segment, states.criteria_group
    from {{ ref('int_criteria_group_states') }} as states
    inner join undecided on states.span_id = undecided.span_id
    where states.state < 2
),

unmet as (
    select span_id, segment, count(*) as unmet_groups
    from unmet_groups
    group by span_id, segment
),

asked as (
    select
        results.span_id,
        results.segment,
        results.criterion,
        results.criteria_group,
        results.field
    from {{ ref('int_criterion_results') }} as results
    inner join unmet_groups
        on results.span_id = unmet_groups.span_id
        and results.segment = unmet_groups.segment
        and results.criteria_group = unmet_groups.criteria_group
),

fields as (
    select span_id, segment, field, count(distinct criteria_group) as groups_with_field
    from asked
    group by span_id, segment, field
),

deciding as (
    select asked.span_id, asked.segment, asked.criterion
    from asked
    inner join fields
        on asked.span_id = fields.span_id
        and asked.segment = fields.segment
        and asked.field = fields.field
    inner join unmet
        on fields.span_id = unmet.span_id
        and fields.segment = unmet.segment
        and fields.groups_with_field = unmet.unmet_groups
),

results as (
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
    left join deciding
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

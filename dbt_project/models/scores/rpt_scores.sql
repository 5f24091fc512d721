with asked as (
    select
        score,
        version,
        field,
        case when min(points) < 0 then min(points) else 0 end as fewest_points,
        case when max(points) > 0 then max(points) else 0 end as most_points
    from {{ ref('score_points') }}
    group by score, version, field
),

scores as (
    select
        organizations.organization_id,
        asked.score,
        asked.version,
        cast(sum(coalesce(given.points, 0)) as int) as points,
        cast(sum(coalesce(given.points, asked.fewest_points)) as int) as points_at_least,
        cast(sum(coalesce(given.points, asked.most_points)) as int) as points_at_most,
        cast(sum(case when given.points is null then 1 else 0 end) as int) as facts_missing
    from {{ ref('int_organizations') }} as organizations
    cross join asked
    left join {{ ref('int_score_field_points') }} as given
        on organizations.organization_id = given.organization_id
        and asked.score = given.score
        and asked.version = given.version
        and asked.field = given.field
    group by organizations.organization_id, asked.score, asked.version
)

select
    scores.organization_id,
    scores.score,
    scores.version,
    scores.points,
    cuts.cut,
    scores.points >= cuts.cut as passes,
    scores.points_at_least,
    scores.points_at_most,
    scores.facts_missing
from scores
inner join {{ ref('score_cuts') }} as cuts
    on scores.score = cuts.score
    and scores.version = cuts.version

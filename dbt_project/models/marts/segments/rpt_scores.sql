with scores as (
    select
        organization_id,
        score,
        version,
        cast(sum(coalesce(points, 0)) as int) as points,
        cast(sum(fewest_points) as int) as points_at_least,
        cast(sum(most_points) as int) as points_at_most,
        cast(sum(case when points is null then 1 else 0 end) as int) as facts_missing
    from {{ ref('int_score_field_points') }}
    group by organization_id, score, version
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

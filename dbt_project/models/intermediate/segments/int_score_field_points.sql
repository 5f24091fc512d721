with asked as (
    select
        score,
        version,
        field,
        least(min(points), 0) as fewest_points,
        greatest(max(points), 0) as most_points
    from {{ ref('score_points') }}
    group by score, version, field
),

given as (
    select
        asked.score,
        asked.version,
        asked.field,
        facts.organization_id,
        max(coalesce(bands.points, exact.points, others.points, 0)) as points
    from {{ ref('int_score_facts') }} as facts
    inner join asked on facts.field = asked.field
    left join {{ ref('int_score_bands') }} as bands
        on asked.score = bands.score
        and asked.version = bands.version
        and asked.field = bands.field
        and facts.number >= bands.at_least
        and facts.number > bands.above
        and facts.number <= bands.up_to
    left join {{ ref('score_points') }} as exact
        on asked.score = exact.score
        and asked.version = exact.version
        and asked.field = exact.field
        and facts.value = exact.value
    left join {{ ref('score_points') }} as others
        on asked.score = others.score
        and asked.version = others.version
        and asked.field = others.field
        and facts.value is not null
        and others.value = '*'
    group by asked.score, asked.version, asked.field, facts.organization_id
)

select
    organizations.organization_id,
    asked.score,
    asked.version,
    asked.field,
    given.points,
    coalesce(given.points, asked.fewest_points) as fewest_points,
    coalesce(given.points, asked.most_points) as most_points
from {{ ref('int_organizations') }} as organizations
cross join asked
left join given
    on organizations.organization_id = given.organization_id
    and asked.score = given.score
    and asked.version = given.version
    and asked.field = given.field

{#- A figure on the bound of two bands is in the lower one. Of several values of one fact the best counts. -#}
with bands as (
    select
        score,
        version,
        field,
        at_least,
        lag(up_to) over (partition by score, version, field order by at_least) as up_to_of_band_below,
        up_to,
        points
    from {{ ref('score_points') }}
    where value is null
),

asked as (
    select distinct score, version, field
    from {{ ref('score_points') }}
)

select
    facts.organization_id,
    asked.score,
    asked.version,
    asked.field,
    max(coalesce(bands.points, exact.points, others.points, 0)) as points
from {{ ref('int_score_facts') }} as facts
inner join asked on facts.field = asked.field
left join bands
    on asked.score = bands.score
    and asked.version = bands.version
    and asked.field = bands.field
    and facts.number >= bands.at_least
    and (bands.up_to_of_band_below is null or facts.number > bands.up_to_of_band_below)
    and (bands.up_to is null or facts.number <= bands.up_to)
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
group by facts.organization_id, asked.score, asked.version, asked.field

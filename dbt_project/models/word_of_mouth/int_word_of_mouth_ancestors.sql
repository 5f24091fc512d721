{#- Organizations of merged customers may carry each other in a ring: each ancestor counts once, by the shortest way, and
    nobody is their own. -#}
{%- set most_generations = 8 -%}

with generation_1 as (
    select organization_id, from_organization_id as ancestor_id
    from {{ ref('int_carried_organizations') }}
),

{% for generation in range(2, most_generations + 1) -%}
generation_{{ generation }} as (
    select descendants.organization_id, carried.from_organization_id as ancestor_id
    from generation_{{ generation - 1 }} as descendants
    inner join {{ ref('int_carried_organizations') }} as carried on descendants.ancestor_id = carried.organization_id
),

{% endfor -%}
ancestors as (
    {% for generation in range(1, most_generations + 1) -%}
    select organization_id, ancestor_id, {{ generation }} as generations
    from generation_{{ generation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select organization_id, ancestor_id, min(generations) as generations
from ancestors
where organization_id <> ancestor_id
group by organization_id, ancestor_id

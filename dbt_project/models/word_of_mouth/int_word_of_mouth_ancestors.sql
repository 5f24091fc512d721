{#- An organization is carried by one that was there before, so there is no ring. -#}
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

select organization_id, ancestor_id, generations
from ancestors

{#- Segments have a history, so they may only ask the facts of a company; flags may ask those of the organization, too. A
    bound has to be of the kind of its field. -#}
{%- set facts = dict(company_facts(), **organization_facts()) -%}

with criteria as (
    select
        criteria.segment,
        criteria.criterion,
        criteria.field,
        criteria.operator,
        criteria.bound,
        segments.kind,
        case criteria.field
            {%- for fact, kind in facts.items() %}
            when '{{ fact }}' then '{{ kind }}'
            {%- endfor %}
        end as kind_of_field
    from {{ ref('segment_criteria') }} as criteria
    inner join {{ ref('segments') }} as segments on criteria.segment = segments.segment
)

select
    segment,
    criterion,
    field,
    operator,
    bound
from criteria
where
    kind_of_field is null
    or (kind = 'segment' and field in ('{{ organization_facts() | join("', '") }}'))
    or (kind_of_field = 'number' and {{ dbt.safe_cast('bound', 'decimal(18, 2)') }} is null)
    or (kind_of_field = 'boolean' and bound not in ('true', 'false'))
    or (kind_of_field <> 'number' and operator not in ('=', '<>'))

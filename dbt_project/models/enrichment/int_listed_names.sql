{#- A name is on a list if it is the listed one, whatever its case, blanks and closing signs. After it may stand a sign
    that begins a remark (`Accel (London)`, `Apple, Inc.`), or words of seed `name_designations` that only say which
    batch, fund, office or legal form is meant (`Y Combinator Winter 2020`, `Benchmark Fund IX`). With any other word it
    is another name: `Accel Entertainment`, `Accel-KKR`. -#}
{%- set fields = {
    'investor': 'leading_investors',
    'accelerator': 'leading_accelerators',
    'founder_company': 'top_tier_companies',
    'city': 'tech_cities',
} -%}

with lists as (
    {% for field, list in fields.items() -%}
    select '{{ field }}' as field, lower(name) as listed from {{ ref('company_lists') }} where list = '{{ list }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

designations as (
    select '^( ([0-9]+|[ivx]+|[wsfx][0-9]+|' || {{ dbt.listagg('word', "'|'", 'order by word') }} || '))+$' as pattern
    from {{ ref('name_designations') }}
),

names as (
    select field, name, {{ without_match('lower(' ~ plain_blanks('name') ~ ')', "'[ .,;:]+$'") }} as plain
    from (select distinct field, name from {{ ref('stg_enrichment__company_names') }}) as sent
),

begun as (
    select names.field, names.name, substr(names.plain, length(lists.listed) + 1) as remainder
    from names
    inner join lists
        on names.field = lists.field
        and substr(names.plain, 1, length(lists.listed)) = lists.listed
)

select distinct begun.field, begun.name
from begun
cross join designations
where
    begun.remainder = ''
    or substr(trim(begun.remainder), 1, 1) in (',', ';', ':', '(', '/')
    or begun.remainder like ' - %'
    or {{ without_match('begun.remainder', 'designations.pattern') }} = ''

{#- A name is on a list if it is the listed one, or goes on after it with something that is no letter, digit or hyphen:
    `Accel (London)` is Accel, `Accel-KKR` is another firm. -#}
with lists as (
    select 'investor' as field, name, lower(name) as listed from {{ ref('company_lists') }} where list = 'leading_investors'
    union all
    select 'accelerator' as field, name, lower(name) as listed from {{ ref('company_lists') }} where list = 'leading_accelerators'
    union all
    select 'founder_company' as field, name, lower(name) as listed from {{ ref('company_lists') }} where list = 'top_tier_companies'
    union all
    select 'city' as field, name, lower(name) as listed from {{ ref('company_lists') }} where list = 'tech_cities'
),

names as (
    select distinct field, name
    from {{ ref('stg_enrichment__company_names') }}
)

select distinct
    names.field,
    names.name
from names
inner join lists
    on names.field = lists.field
    and substr(lower(trim(names.name)), 1, length(lists.listed)) = lists.listed
    and substr(lower(trim(names.name)), length(lists.listed) + 1, 1) in ('', ' ', ',', ';', ':', '(', '/', '&', '''')

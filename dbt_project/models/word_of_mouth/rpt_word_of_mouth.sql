{#- What people did beside what organizations say of themselves. Founders are known as far as enrichment is. -#}
with enrichment as (
    select count(*) > 0 as is_known
    from {{ ref('stg_enrichment__companies') }}
)

select
    {{ month_of('organizations.created_at') }} as month,
    cast(count(*) as int) as signups,
    cast(count(organizations.signup_channel) as int) as signups_with_channel,
    cast(
        sum(case when organizations.signup_channel = 'word_of_mouth' then 1 else 0 end) as int
    ) as self_reported_signups,
    {{ ratio(
        "sum(case when organizations.signup_channel = 'word_of_mouth' then 1 else 0 end)",
        'count(organizations.signup_channel)'
    ) }} as self_reported_share,
    cast(sum(case when carried.carrier = 'member' then 1 else 0 end) as int) as carried_by_members,
    cast(
        case when enrichment.is_known then sum(case when carried.carrier = 'founder' then 1 else 0 end) end as int
    ) as carried_by_founders,
    {{ ratio('count(carried.organization_id)', 'count(*)') }} as carried_share,
    cast(
        sum(case when carried.organization_id is not null and organizations.signup_channel <> 'word_of_mouth' then 1 else 0 end)
        as int
    ) as carried_but_said_otherwise,
    cast(max(carried.generation) as int) as longest_chain
from {{ ref('dim_organizations') }} as organizations
cross join enrichment
left join {{ ref('fct_word_of_mouth') }} as carried on organizations.organization_id = carried.organization_id
group by {{ month_of('organizations.created_at') }}, enrichment.is_known

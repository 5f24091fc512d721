{#- Organizations that belong to one company share something: a merge, or a Stripe customer. Each starts with its own id
    as its label, and in each round takes the smallest one that is found over what it shares, by any that already has
    its label, and where that label itself has gone. Groups merge with their neighbours in every round, so a chain of a
    thousand merges in any order, or a ring, is followed to its end; the test
    `organizations_that_belong_together_have_one_customer` fails if one was not.

    An organization shares the one Stripe customer that it is billed to, and those that only pay: any other that names it
    (metadata that are old, or of somebody else) joins nothing. -#}
{%- set rounds = 9 -%}

with merges as (
    select organization_id, canonical_organization_id
    from {{ ref('stg_crm__account_merges') }}
    where organization_id <> canonical_organization_id
),

organizations as (
    select organization_id, created_at
    from {{ ref('int_organizations') }}
),

sharings as (
    select organization_id, 'merge ' || organization_id as shared
    from merges

    union all

    select canonical_organization_id as organization_id, 'merge ' || organization_id as shared
    from merges

    union all

    select organization_id, 'stripe ' || stripe_customer_id as shared
    from {{ ref('int_stripe_customer_links') }}
    where not is_internal and (is_billed_here or is_payment_only)
),

shared_by_several as (
    select organization_id, shared
    from (
        select organization_id, shared, count(*) over (partition by shared) as sharers
        from sharings
    ) as counted
    where sharers > 1
),

round_0 as (
    select organization_id, shared, false as is_self, organization_id as label
    from shared_by_several

    union all

    select distinct organization_id, 'self ' || organization_id as shared, true as is_self, organization_id as label
    from shared_by_several
),

{% for round in range(1, rounds + 1) -%}
round_{{ round }} as {{ computed_once() }} (
    select
        organization_id,
        shared,
        is_self,
        min(label) over (partition by case when is_self then organization_id else label end) as label
    from (
        select organization_id, shared, is_self, min(label) over (partition by organization_id) as label
        from (
            select organization_id, shared, is_self, min(label) over (partition by known_label) as label
            from (
                select organization_id, shared, is_self, label as known_label, min(label) over (partition by shared) as label
                from round_{{ round - 1 }}
            ) as reached
        ) as gathered
    ) as known
),

{% endfor -%}
companies as (
    select organization_id, min(label) as company
    from round_{{ rounds }}
    group by organization_id
),

canonical_ids as (
    select distinct canonical_organization_id as organization_id
    from merges
),

merged_ids as (
    select distinct merges.organization_id
    from merges
    inner join organizations on merges.canonical_organization_id = organizations.organization_id
),

ranked as (
    select
        organizations.organization_id,
        coalesce(companies.company, organizations.organization_id) as company,
        row_number() over (
            partition by coalesce(companies.company, organizations.organization_id)
            order by
                case
                    when canonical_ids.organization_id is null then 3
                    when merged_ids.organization_id is null then 1
                    else 2
                end,
                organizations.created_at,
                organizations.organization_id
        ) as canonical_rank
    from organizations
    left join companies on organizations.organization_id = companies.organization_id
    left join canonical_ids on organizations.organization_id = canonical_ids.organization_id
    left join merged_ids on organizations.organization_id = merged_ids.organization_id
)

select
    organization_id,
    max(case when canonical_rank = 1 then organization_id end) over (partition by company) as customer_id
from ranked

{#- The steps that took days are those of customers who were not there before. What nobody knows of a company is not
    known of its stage. -#}
with headcounts as (
    select distinct companies.organization_id as customer_id
    from {{ ref('int_organization_companies') }} as companies
    inner join {{ ref('int_company_answers') }} as answers on companies.company_key = answers.domain
    where answers.employees is not null
),

kinds as (
    select distinct companies.organization_id as customer_id
    from {{ ref('int_organization_companies') }} as companies
    inner join {{ ref('int_company_answers') }} as answers on companies.company_key = answers.domain
    where answers.company_type is not null or answers.ipo_date is not null
),

known as (
    select
        count(*) as customers,
        count(headcounts.customer_id) as with_headcount,
        count(kinds.customer_id) as with_kind
    from {{ ref('dim_customers') }} as customers
    left join headcounts on customers.customer_id = headcounts.customer_id
    left join kinds on customers.customer_id = kinds.customer_id
),

reached as (
    select
        stage,
        count(*) as customers,
        sum(case when was_there_before then 1 else 0 end) as were_there_before,
        sum(case when is_lost_here then 1 else 0 end) as lost_customers,
        percentile_cont(0.5) within group (order by days_from_previous_stage) as median_days
    from {{ ref('fct_customer_ladder') }}
    group by stage
)

select
    stages.stage,
    stages.stage_order,
    stages.meaning,
    cast(case when unknown.is_known then coalesce(reached.customers, 0) end as int) as customers,
    cast(case when unknown.is_known then coalesce(reached.were_there_before, 0) end as int) as were_there_before,
    cast(
        case when unknown.is_known then coalesce(reached.customers - reached.were_there_before, 0) end as int
    ) as reached_with_us,
    cast(reached.median_days as decimal(24, 1)) as median_days_from_previous_stage,
    cast(case when unknown.is_known then coalesce(reached.lost_customers, 0) end as int) as lost_customers,
    cast(unknown.unknown_customers as int) as unknown_customers,
    data_day.as_of_date
from {{ ref('ladder_stages') }} as stages
cross join {{ ref('int_data_day') }} as data_day
inner join (
    select
        stages.stage,
        case stages.stage
            when 'many_people' then known.customers - known.with_headcount
            when 'public' then known.customers - known.with_kind
            else 0
        end as unknown_customers,
        case stages.stage
            when 'many_people' then known.with_headcount > 0
            when 'public' then known.with_kind > 0
            else true
        end as is_known
    from {{ ref('ladder_stages') }} as stages
    cross join known
) as unknown on stages.stage = unknown.stage
left join reached on stages.stage = reached.stage

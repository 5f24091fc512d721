{#- What stands for a flag and is not the company's own: what is observed here of its owner, its bills and its people. An
    owner who belongs to no organization of another company may have a day job all the same, so that is never false. -#}
with paying as (
    select
        customers.customer_id,
        sum(mrr.mrr_usd_month) as mrr_usd_month,
        min(mrr.first_paid_month) as first_paid_month
    from {{ ref('int_organization_mrr') }} as mrr
    inner join {{ ref('int_customers') }} as customers on mrr.organization_id = customers.organization_id
    group by customers.customer_id
),

owners as (
    select organization_id, role_fit
    from {{ ref('int_member_roles') }}
    where is_owner
),

day_jobs as (
    select distinct owned.organization_id
    from {{ ref('int_members') }} as owners
    inner join {{ ref('int_organization_segments') }} as owned on owners.organization_id = owned.organization_id
    inner join {{ ref('int_members') }} as employees on owners.user_id = employees.user_id
    inner join {{ ref('int_organization_segments') }} as jobs
        on employees.organization_id = jobs.organization_id
        and jobs.icp_segment in ('high_growth', 'high_potential')
        and jobs.company_domain <> coalesce(owned.company_domain, '')
    where owners.is_owner
),

facts as (
    select
        segments.organization_id,
        data_day.as_of_date,
        {%- for fact in company_facts() %}
        spans.{{ fact }},
        {%- endfor %}
        case when segments.icp_segment <> 'unknown' then segments.icp_segment in ('high_growth', 'high_potential') end
            as is_icp,
        case when paying.mrr_usd_month > 0 then owners.role_fit = 'primary' end as has_engineer_who_pays,
        case
            when paying.mrr_usd_month > 0
                then cast({{ dbt.datediff('paying.first_paid_month', 'data_day.last_closed_month', 'month') }} as int)
            when paying.first_paid_month is not null then 0
        end as months_retained,
        case when day_jobs.organization_id is not null then true end as has_day_job_at_icp
    from {{ ref('int_organization_segments') }} as segments
    inner join {{ ref('int_company_spans') }} as spans on segments.span_id = spans.span_id
    inner join {{ ref('int_customers') }} as customers on segments.organization_id = customers.organization_id
    cross join {{ ref('int_data_day') }} as data_day
    left join paying on customers.customer_id = paying.customer_id
    left join owners on segments.organization_id = owners.organization_id
    left join day_jobs on segments.organization_id = day_jobs.organization_id
)

{{ asked_criteria(
    'facts',
    'organization_id',
    'asked.as_of_date',
    dict(company_facts(), **organization_facts()),
    kinds=['flag', 'bonus'],
) }}

{#- ARR has been above the line since the end of the month after the last one below it. -#}
with months as (
    select
        customer_id,
        min(month) as first_month,
        max(case when arr_usd_year >= {{ threshold('coverage_from_usd_year') }} then null else month end) as last_month_below
    from {{ ref('fct_mrr_monthly') }}
    group by customer_id
),

covered as (
    select
        coverage.customer_id,
        coverage.coverage,
        coverage.queued_on,
        leads.reason as lead_reason,
        leads.since as lead_since,
        coalesce(products.primary_products_paid, 0) >= {{ threshold('csm_primary_products') }} as has_many_products,
        {{ month_end("coalesce(" ~ dbt.dateadd('month', 1, 'months.last_month_below') ~ ", months.first_month)") }}
            as arr_since
    from {{ ref('int_customer_coverage') }} as coverage
    left join {{ ref('int_sales_leads') }} as leads on coverage.customer_id = leads.customer_id
    left join {{ ref('int_primary_products_paid') }} as products on coverage.customer_id = products.customer_id
    left join months on coverage.customer_id = months.customer_id
    where
        coverage.queued_on is not null
        or coverage.coverage = 'sales_cs'
        or leads.customer_id is not null
),

routed as (
    select
        customer_id,
        case
            when queued_on is not null then 'onboarding_specialist'
            when coverage = 'sales_cs' and has_many_products then 'csm'
            else 'technical_ae'
        end as suggested_owner_role,
        case
            when queued_on is not null then 'in_onboarding_queue'
            when coverage = 'sales_cs' and has_many_products then 'arr_with_many_primary_products'
            when coverage = 'sales_cs' then 'arr_with_few_primary_products'
            else lead_reason
        end as reason,
        case
            when queued_on is not null then queued_on
            when coverage = 'sales_cs' then arr_since
            else lead_since
        end as since
    from covered
),

owners as (
    select
        routed.customer_id,
        owners.owner_email,
        owners.owner_role,
        row_number() over (
            partition by routed.customer_id
            order by case when owners.owner_role = routed.suggested_owner_role then 0 else 1 end, owners.owner_rank
        ) as fit_rank
    from routed
    inner join {{ ref('int_customer_owners') }} as owners on routed.customer_id = owners.customer_id
)

select
    routed.customer_id,
    routed.suggested_owner_role,
    routed.reason,
    owners.owner_email as current_owner_email,
    owners.owner_role as current_owner_role,
    coalesce(owners.owner_role <> routed.suggested_owner_role, true) as is_gap,
    touches.customer_id is not null as is_double_touch,
    routed.since,
    data_day.as_of_date
from routed
cross join {{ ref('int_data_day') }} as data_day
left join owners
    on routed.customer_id = owners.customer_id
    and owners.fit_rank = 1
left join {{ ref('int_double_touches') }} as touches on routed.customer_id = touches.customer_id

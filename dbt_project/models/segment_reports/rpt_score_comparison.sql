with customers as (
    select
        scores.score,
        scores.version,
        organizations.customer_id,
        max(case when scores.passes then 1 else 0 end) as passes
    from {{ ref('rpt_scores') }} as scores
    inner join {{ ref('int_customers') }} as organizations on scores.organization_id = organizations.organization_id
    group by scores.score, scores.version, organizations.customer_id
),

counted as (
    select
        customers.score,
        customers.version,
        cast(count(*) as int) as customers,
        cast(sum(customers.passes) as int) as passing,
        cast(sum(case when paying.first_paid_month is not null then 1 else 0 end) as int) as became_paying,
        cast(
            sum(case when paying.first_paid_month is not null then customers.passes else 0 end) as int
        ) as passing_became_paying
    from customers
    inner join {{ ref('int_customer_standing') }} as paying on customers.customer_id = paying.customer_id
    group by customers.score, customers.version
)

select
    score,
    version,
    customers,
    passing,
    became_paying,
    passing_became_paying,
    {{ percent_of('passing_became_paying', 'passing') }} as paying_of_passing_percent,
    {{ percent_of('passing_became_paying', 'became_paying') }} as passing_of_paying_percent,
    {{ percent_of('became_paying', 'customers') }} as paying_of_all_percent
from counted

{#- What speaks for a package or a prepaid plan. -#}
with packages as (
    select distinct members.customer_id
    from {{ ref('int_billing_versions') }} as billing
    inner join {{ ref('int_customers') }} as members on billing.organization_id = members.organization_id
    where billing.is_current and billing.platform_package is not null
),

first_of_department as (
    select
        users.customer_id,
        users.role_at_organization,
        min(users.joined_on) as joined_on,
        row_number() over (
            partition by users.customer_id
            order by min(users.joined_on), users.role_at_organization
        ) as department_number
    from {{ ref('int_active_users') }} as users
    inner join {{ ref('user_roles') }} as roles
        on users.role_at_organization = roles.role_at_organization
        and roles.is_department
    group by users.customer_id, users.role_at_organization
),

departments as (
    select
        joined.customer_id,
        count(*) as departments,
        max(case when joined.department_number <= signals.threshold then joined.joined_on end) as since
    from first_of_department as joined
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'several_departments'
    group by joined.customer_id
),

prepaid as (
    select signals.threshold
    from {{ ref('account_signals') }} as signals
    where signals.signal = 'prepaid_plan'
),

months as (
    select
        monthly.customer_id,
        min(monthly.month) as first_month,
        max(case when monthly.mrr_usd_month > prepaid.threshold then null else monthly.month end) as last_month_below,
        max(
            case when monthly.month = data_day.last_closed_month and monthly.basis = 'usage' then monthly.mrr_usd_month end
        ) as mrr_usd_month
    from {{ ref('fct_mrr_monthly') }} as monthly
    cross join prepaid
    cross join {{ ref('int_data_day') }} as data_day
    group by monthly.customer_id
)

select
    customers.customer_id,
    'several_departments' as signal,
    'platform' as product_key,
    cast(departments.departments as decimal(24, 4)) as figure,
    departments.since
from {{ ref('int_listed_customers') }} as customers
inner join departments on customers.customer_id = departments.customer_id
left join packages on customers.customer_id = packages.customer_id
where packages.customer_id is null

union all

select
    customers.customer_id,
    'company_size',
    'platform',
    cast(customers.employees as decimal(24, 4)),
    customers.company_known_on
from {{ ref('int_listed_customers') }} as customers
left join packages on customers.customer_id = packages.customer_id
where packages.customer_id is null and customers.employees is not null

union all

select
    customer_id,
    'prepaid_plan',
    'credits',
    cast(mrr_usd_month as decimal(24, 4)),
    {{ month_closes_on("coalesce(" ~ dbt.dateadd('month', 1, 'last_month_below') ~ ", first_month)") }}
from months
where mrr_usd_month is not null

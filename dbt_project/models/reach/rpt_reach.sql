{#- Somebody counts in every month from joining to the last login. A company has the size that it was known to have at the
    month's end. -#}
with months as (
    select calendar.month, least({{ month_end('calendar.month') }}, data_day.as_of_date) as last_day
    from ({{ calendar('month') }}) as calendar
    cross join {{ ref('int_data_day') }} as data_day
    where
        calendar.month >= {{ month_of('data_day.first_usage_day') }}
        and calendar.month <= data_day.as_of_date
),

active as (
    select
        months.month,
        months.last_day,
        users.customer_id,
        max(users.level_order) as level_order,
        count(*) as people
    from months
    inner join {{ ref('int_user_levels') }} as users
        on months.last_day >= users.joined_on
        and months.month <= users.last_login_on
    group by months.month, months.last_day, users.customer_id
),

sizes as (
    select
        company_size,
        employees_from,
        lead(employees_from) over (order by employees_from) as employees_below
    from {{ ref('company_sizes') }}
),

sized as (
    select
        active.month,
        coalesce(sizes.company_size, 'unknown') as company_size,
        coalesce(sizes.employees_from, 0) as employees_from,
        coalesce(levels.level, 'unknown') as highest_level,
        coalesce(active.level_order, 0) as level_order,
        active.people,
        mrr.mrr_usd_month > 0 as is_paying
    from active
    left join {{ ref('levels') }} as levels on active.level_order = levels.level_order
    left join {{ ref('int_organization_companies') }} as companies on active.customer_id = companies.organization_id
    left join {{ ref('int_company_spans') }} as spans
        on companies.company_key = spans.company_key
        and active.last_day >= spans.valid_from
        and active.last_day < spans.valid_to
    left join sizes
        on spans.employees >= sizes.employees_from
        and coalesce(spans.employees < sizes.employees_below, true)
    left join {{ ref('fct_mrr_monthly') }} as mrr
        on active.customer_id = mrr.customer_id
        and active.month = mrr.month
)

select
    month,
    company_size,
    employees_from,
    highest_level,
    level_order,
    cast(count(*) as int) as customers,
    cast(sum(case when is_paying then 1 else 0 end) as int) as paying_customers,
    cast(sum(people) as int) as people
from sized
group by month, company_size, employees_from, highest_level, level_order

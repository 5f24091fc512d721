{#- A company that was large or public when it was first looked up, or before it signed up, did not become so with us. One
    that does not pay and has used nothing lately is lost where it stands, and so is one that stopped paying. -#}
with customers as (
    select
        members.customer_id,
        min(cast(organizations.created_at as date)) as signed_up_on,
        sum(organizations.products_used) as products_used
    from {{ ref('int_customers') }} as members
    inner join {{ ref('dim_organizations') }} as organizations
        on members.organization_id = organizations.organization_id
    group by members.customer_id
),

answers as (
    select
        companies.organization_id as customer_id,
        answers.employees,
        answers.ipo_date,
        answers.company_type,
        answers.enriched_on,
        row_number() over (
            partition by companies.organization_id
            order by case when answers.employees is null then 1 else 0 end, answers.enriched_on
        ) as headcount_number,
        row_number() over (partition by companies.organization_id order by answers.enriched_on desc) as answers_after
    from {{ ref('int_organization_companies') }} as companies
    inner join customers on companies.organization_id = customers.customer_id
    inner join {{ ref('int_company_answers') }} as answers on companies.company_key = answers.domain
),

companies as (
    select
        answers.customer_id,
        min(case when answers.employees >= stages.ladder_people then answers.enriched_on end) as large_on,
        max(case when answers.headcount_number = 1 and answers.employees >= stages.ladder_people then 1 else 0 end) = 1
            as was_large,
        max(case when answers.answers_after = 1 then answers.ipo_date end) as ipo_date,
        max(case when answers.answers_after = 1 and answers.company_type = 'public' then 1 else 0 end) = 1 as is_public
    from answers
    cross join (select {{ threshold('ladder_people') }} as ladder_people) as stages
    group by answers.customer_id
),

reached as (
    select customer_id, 'first_user' as stage, signed_up_on as reached_on, false as was_there_before
    from customers

    union all

    select customer_id, 'first_dollar', paid_on, false
    from {{ ref('int_paid_bills') }}
    where bill_number = 1

    union all

    select
        companies.customer_id,
        'many_people',
        case when not companies.was_large and companies.large_on >= customers.signed_up_on then companies.large_on end,
        companies.was_large or companies.large_on < customers.signed_up_on
    from companies
    inner join customers on companies.customer_id = customers.customer_id
    where companies.large_on is not null

    union all

    select
        companies.customer_id,
        'public',
        case when companies.ipo_date >= customers.signed_up_on then companies.ipo_date end,
        coalesce(companies.ipo_date < customers.signed_up_on, true)
    from companies
    inner join customers on companies.customer_id = customers.customer_id
    cross join {{ ref('int_data_day') }} as data_day
    where companies.ipo_date <= data_day.as_of_date or (companies.ipo_date is null and companies.is_public)
),

placed as (
    select
        reached.customer_id,
        reached.stage,
        stages.stage_order,
        reached.reached_on,
        reached.was_there_before,
        lag(reached.reached_on) over (
            partition by reached.customer_id, reached.was_there_before
            order by stages.stage_order
        ) as previous_on,
        row_number() over (partition by reached.customer_id order by stages.stage_order desc) = 1 as is_last_stage
    from reached
    inner join {{ ref('ladder_stages') }} as stages on reached.stage = stages.stage
)

select
    placed.customer_id,
    placed.stage,
    placed.stage_order,
    placed.reached_on,
    placed.was_there_before,
    cast({{ dbt.datediff('placed.previous_on', 'placed.reached_on', 'day') }} as int) as days_from_previous_stage,
    placed.is_last_stage,
    placed.is_last_stage and (
        dim_customers.lifecycle = 'churned'
        or (
            dim_customers.lifecycle <> 'paying'
            and customers.products_used = 0
            and {{ dbt.datediff('customers.signed_up_on', 'data_day.as_of_date', 'day') }}
                >= {{ threshold('recent_usage_days') }}
        )
    ) as is_lost_here,
    data_day.as_of_date
from placed
inner join customers on placed.customer_id = customers.customer_id
inner join {{ ref('dim_customers') }} as dim_customers on placed.customer_id = dim_customers.customer_id
cross join {{ ref('int_data_day') }} as data_day

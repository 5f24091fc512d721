{#- Customers of the projected mix need a person each, and of those below it the share that does today; roles and ARR have
    the shares of today. A role has people for its accounts or for its ARR, whichever takes more. Whole people are counted
    without fractions: customers below the mix times their number, shares of ARR in ten-thousandths. -#}
{%- set quantiles = ['p10', 'p50', 'p90'] -%}

with customers as (
    select
        customers.customer_id,
        customers.arr_usd_year,
        customers.arr_usd_year >= {{ threshold('coverage_from_usd_year') }} as is_covered,
        coalesce(bands.target_customers, 0) > 0 as is_of_mix,
        routing.suggested_owner_role as role
    from {{ ref('int_customer_standing') }} as customers
    left join {{ ref('int_arr_mix_bands') }} as bands
        on customers.arr_usd_year >= bands.arr_from_usd_year
        and customers.arr_usd_year < bands.arr_below_usd_year
    left join {{ ref('fct_account_routing') }} as routing on customers.customer_id = routing.customer_id
    where customers.arr_usd_year > 0
),

now as (
    select
        count(*) as paying,
        sum(case when is_covered then 1 else 0 end) as covered,
        sum(case when is_covered then arr_usd_year else 0 end) as covered_arr,
        coalesce(sum(case when is_of_mix then 0 else 1 end), 0) as below,
        coalesce(sum(case when is_covered and not is_of_mix then 1 else 0 end), 0) as below_covered,
        coalesce({{ ratio(
            'sum(case when is_covered and not is_of_mix then arr_usd_year else 0 end)',
            'sum(case when is_of_mix then 0 else arr_usd_year end)'
        ) }}, 0) as below_arr_share
    from customers
),

queue as (
    select count(distinct customer_id) as customers
    from {{ ref('fct_onboarding_queue') }}
    where is_open
),

roles as (
    select
        roles.role,
        roles.driver,
        roles.accounts_a_person,
        roles.fixed_people,
        cast(books.book_accounts as decimal(38, 0)) as book_accounts,
        cast(books.book_arr_usd_year as decimal(38, 0)) as book_arr,
        case when now.covered > 0 then count(customers.customer_id) when roles.role = 'technical_ae' then 1 else 0 end as covered,
        cast(10000 * coalesce(
            {{ ratio('coalesce(sum(customers.arr_usd_year), 0)', 'now.covered_arr') }},
            case when roles.role = 'technical_ae' then 1 else 0 end
        ) as decimal(38, 0)) as arr_share
    from {{ ref('team_roles') }} as roles
    cross join now
    left join {{ ref('owner_books') }} as books on roles.role = books.owner_role
    left join customers on roles.role = customers.role and customers.is_covered
    group by
        roles.role, roles.driver, roles.accounts_a_person, roles.fixed_people, books.book_accounts,
        books.book_arr_usd_year, now.covered, now.covered_arr
),

months as (
    select
        projection.as_of,
        projection.month,
        {%- for quantile in quantiles %}
        sum(projection.customers_{{ quantile }}) as paying_{{ quantile }},
        sum(
            projection.customers_{{ quantile }}
            * case when projection.band = 'mix' then greatest(now.below, 1) else now.below_covered end
        ) as covered_{{ quantile }},
        cast(10000 * sum(
            cast(projection.arr_usd_{{ quantile }} as decimal(26, 0))
            * case when projection.band = 'mix' then 1 else now.below_arr_share end
        ) as decimal(38, 0)) as covered_arr_{{ quantile }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('rpt_arr_mix_projection') }} as projection
    cross join now
    where projection.band = 'mix' or projection.target_customers = 0
    group by projection.as_of, projection.month
),

needs as (
    select
        months.as_of,
        months.month,
        levers.lever,
        roles.role,
        {%- for quantile in quantiles %}
        case roles.driver
            when 'fixed' then case when months.paying_{{ quantile }} is not null then roles.fixed_people end
            when 'queue' then {{ people_for(
                'queue.customers * months.paying_' ~ quantile ~ ' * levers.queue_percent',
                '100 * now.paying * roles.accounts_a_person'
            ) }}
            else greatest(
                {{ people_for(
                    'months.covered_' ~ quantile ~ ' * roles.covered * levers.covered_percent',
                    'roles.book_accounts * greatest(now.below, 1) * greatest(now.covered, 1) * levers.book_percent'
                ) }},
                {{ people_for(
                    'months.covered_arr_' ~ quantile ~ ' * roles.arr_share * levers.covered_percent',
                    'roles.book_arr * 100000000 * levers.book_percent'
                ) }}
            )
        end as people_{{ quantile }}{{ ',' if not loop.last }}
        {%- endfor %}
    from months
    cross join now
    cross join queue
    cross join roles
    cross join {{ ref('team_levers') }} as levers
)

select
    as_of,
    lever,
    month,
    role,
    cast(people_p10 as int) as people_p10,
    cast(people_p50 as int) as people_p50,
    cast(people_p90 as int) as people_p90
from needs

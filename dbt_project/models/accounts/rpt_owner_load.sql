with held as (
    select distinct customer_id, owner_email, owner_role
    from {{ ref('int_customer_owners') }}
),

loads as (
    select
        held.owner_email,
        held.owner_role,
        count(*) as accounts,
        sum(customers.arr_usd_year) as arr_usd_year
    from held
    inner join {{ ref('int_customer_standing') }} as customers on held.customer_id = customers.customer_id
    group by held.owner_email, held.owner_role
),

team as (
    select count(distinct owner_email) as people
    from held
)

select
    loads.owner_email,
    loads.owner_role,
    cast(loads.accounts as int) as accounts,
    {{ usd('loads.arr_usd_year') }} as arr_usd_year,
    books.book_accounts,
    books.book_arr_usd_year,
    coalesce(loads.accounts > books.book_accounts, false)
        or coalesce(loads.arr_usd_year > books.book_arr_usd_year, false) as is_over_book,
    cast(team.people as int) as team_people,
    cast({{ threshold('team_people_max') }} as int) as team_people_max,
    data_day.as_of_date
from loads
cross join team
cross join {{ ref('int_data_day') }} as data_day
left join {{ ref('owner_books') }} as books on loads.owner_role = books.owner_role

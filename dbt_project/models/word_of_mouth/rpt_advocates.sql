{#- An organization that two organizations of a customer have brought counts once, and none of its own. -#}
with brought as (
    select
        origins.customer_id,
        carried.organization_id,
        carried.lifecycle,
        carried.arr_usd_year,
        min(ancestors.generations) as nearest,
        max(ancestors.generations) as generations
    from {{ ref('int_word_of_mouth_ancestors') }} as ancestors
    inner join {{ ref('fct_word_of_mouth') }} as carried on ancestors.organization_id = carried.organization_id
    inner join {{ ref('int_customers') }} as origins on ancestors.ancestor_id = origins.organization_id
    inner join {{ ref('int_customers') }} as members on ancestors.organization_id = members.organization_id
    where members.customer_id <> origins.customer_id
    group by origins.customer_id, carried.organization_id, carried.lifecycle, carried.arr_usd_year
)

select
    brought.customer_id,
    customers.icp_segment,
    customers.arr_usd_year,
    cast(sum(case when brought.nearest = 1 then 1 else 0 end) as int) as brought_directly,
    cast(count(*) as int) as brought_in_all,
    cast(max(brought.generations) as int) as generations,
    cast(sum(case when brought.lifecycle = 'paying' then 1 else 0 end) as int) as paying,
    {{ usd('sum(brought.arr_usd_year)') }} as brought_arr_usd_year,
    data_day.as_of_date
from brought
inner join {{ ref('dim_customers') }} as customers on brought.customer_id = customers.customer_id
cross join {{ ref('int_data_day') }} as data_day
group by
    brought.customer_id, customers.icp_segment, customers.arr_usd_year, data_day.as_of_date

with brought as (
    select
        origins.customer_id,
        ancestors.generations,
        carried.organization_id,
        carried.lifecycle,
        carried.arr_usd_year
    from {{ ref('int_word_of_mouth_ancestors') }} as ancestors
    inner join {{ ref('fct_word_of_mouth') }} as carried on ancestors.organization_id = carried.organization_id
    inner join {{ ref('int_customers') }} as origins on ancestors.ancestor_id = origins.organization_id
)

select
    brought.customer_id,
    customers.icp_segment,
    customers.arr_usd_year,
    cast(count(distinct case when brought.generations = 1 then brought.organization_id end) as int) as brought_directly,
    cast(count(distinct brought.organization_id) as int) as brought_in_all,
    cast(max(brought.generations) as int) as generations,
    cast(count(distinct case when brought.lifecycle = 'paying' then brought.organization_id end) as int) as paying,
    {{ usd('sum(brought.arr_usd_year)') }} as brought_arr_usd_year,
    data_day.as_of_date
from brought
inner join {{ ref('dim_customers') }} as customers on brought.customer_id = customers.customer_id
cross join {{ ref('int_data_day') }} as data_day
group by
    brought.customer_id, customers.icp_segment, customers.arr_usd_year, data_day.as_of_date

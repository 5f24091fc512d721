with customers as (
    select distinct customer_id
    from {{ ref('int_customers') }}
),

mrr as (
    select monthly.customer_id, monthly.arr_usd_year
    from {{ ref('fct_mrr_monthly') }} as monthly
    inner join {{ ref('int_data_day') }} as data_day on monthly.month = data_day.last_closed_month
),

queued as (
    select customer_id, entered_on
    from {{ ref('fct_onboarding_queue') }}
    where is_open
)

select
    customers.customer_id,
    {{ usd('coalesce(mrr.arr_usd_year, 0)') }} as arr_usd_year,
    queued.entered_on as queued_on,
    case
        when mrr.arr_usd_year >= {{ threshold('coverage_from_usd_year') }} then 'sales_cs'
        when queued.customer_id is not null then 'onboarding'
        else 'self_serve'
    end as coverage
from customers
left join mrr on customers.customer_id = mrr.customer_id
left join queued on customers.customer_id = queued.customer_id

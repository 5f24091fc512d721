select
    customers.customer_id,
    case
        when customers.arr_usd_year >= {{ threshold('coverage_from_usd_year') }} then 'sales_cs'
        when queued.customer_id is not null then 'onboarding'
        else 'self_serve'
    end as coverage
from {{ ref('int_customer_standing') }} as customers
left join {{ ref('int_onboarding_stays') }} as queued
    on customers.customer_id = queued.customer_id
    and queued.exited_on is null

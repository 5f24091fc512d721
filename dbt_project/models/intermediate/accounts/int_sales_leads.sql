{#- Customers whose forecast has reached the line to sales in the period that is open on the data day, and that never
    paid a bill or outgrew the onboarding queue. -#}
with last_stays as (
    select
        customer_id,
        exited_on,
        exit_reason,
        row_number() over (partition by customer_id order by entered_on desc) as stay_rank
    from {{ ref('fct_onboarding_queue') }}
),

above as (
    select days.customer_id, days.period_end
    from {{ ref('int_onboarding_customer_days') }} as days
    inner join {{ ref('int_data_day') }} as data_day on days.as_of_date = data_day.as_of_date
    where days.is_above_in_period
),

since as (
    select above.customer_id, min(days.as_of_date) as first_day
    from above
    inner join {{ ref('int_onboarding_customer_days') }} as days
        on above.customer_id = days.customer_id
        and above.period_end = days.period_end
        and days.is_above_in_period
    group by above.customer_id
),

payers as (
    select distinct customer_id
    from {{ ref('int_paid_bills') }}
)

select
    since.customer_id,
    case when stays.exit_reason = 'outgrown' then 'outgrew_onboarding_queue' else 'first_bill_above_sales_line' end as reason,
    case when stays.exit_reason = 'outgrown' then stays.exited_on else since.first_day end as since
from since
left join last_stays as stays
    on since.customer_id = stays.customer_id
    and stays.stay_rank = 1
left join payers on since.customer_id = payers.customer_id
where payers.customer_id is null or stays.exit_reason = 'outgrown'

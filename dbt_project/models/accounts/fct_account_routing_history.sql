{#- When a reason begins or ends, the first one that holds says who should look after the customer: the queue, then
    ARR, then a lead. If none holds, nobody is needed. ARR is known from the day on which its month is closed. -#}
with stays as (
    select
        customer_id,
        entered_on,
        exited_on,
        exit_reason,
        lead(entered_on) over (partition by customer_id order by entered_on) as next_entered_on
    from {{ ref('int_onboarding_stays') }}
),

products_paid as (
    select paid.customer_id, paid.month, count(*) as products
    from {{ ref('fct_mrr_products') }} as paid
    inner join {{ ref('products') }} as products
        on paid.product_key = products.product_key
        and products.is_primary
    where paid.mrr_usd_month > 0
    group by paid.customer_id, paid.month
),

arr_months as (
    select
        monthly.customer_id,
        {{ month_closes_on('monthly.month') }} as closed_on,
        case
            when monthly.month < data_day.last_closed_month
                then {{ month_closes_on(dbt.dateadd('month', 1, 'monthly.month')) }}
            else cast('9999-12-31' as date)
        end as next_closed_on,
        coalesce(products_paid.products, 0) >= {{ threshold('csm_primary_products') }} as has_many_products
    from {{ ref('fct_mrr_monthly') }} as monthly
    cross join {{ ref('int_data_day') }} as data_day
    left join products_paid
        on monthly.customer_id = products_paid.customer_id
        and monthly.month = products_paid.month
    where monthly.arr_usd_year >= {{ threshold('coverage_from_usd_year') }}
),

reasons as (
    select
        customer_id,
        1 as priority,
        'onboarding_specialist' as owner_role,
        'in_onboarding_queue' as reason,
        entered_on as holds_from,
        coalesce(exited_on, cast('9999-12-31' as date)) as holds_before
    from stays

    union all

    select
        customer_id,
        2,
        case when has_many_products then 'csm' else 'technical_ae' end,
        case when has_many_products then 'arr_with_many_primary_products' else 'arr_with_few_primary_products' end,
        closed_on,
        next_closed_on
    from arr_months

    union all

    select
        days.customer_id,
        3,
        'technical_ae',
        case when outgrown.customer_id is null then 'first_bill_above_sales_line' else 'outgrew_onboarding_queue' end,
        days.as_of_date,
        cast({{ dbt.dateadd('day', 1, 'days.as_of_date') }} as date)
    from {{ ref('int_onboarding_customer_days') }} as days
    left join stays as outgrown
        on days.customer_id = outgrown.customer_id
        and outgrown.exit_reason = 'outgrown'
        and days.as_of_date >= outgrown.exited_on
        and (outgrown.next_entered_on is null or days.as_of_date < outgrown.next_entered_on)
    left join {{ ref('int_paid_bills') }} as first_bill
        on days.customer_id = first_bill.customer_id
        and first_bill.bill_number = 1
    where
        days.is_above_in_period
        and (outgrown.customer_id is not null or coalesce(first_bill.paid_on > days.as_of_date, true))
),

changes as (
    select customer_id, holds_from as day
    from reasons

    union

    select reasons.customer_id, reasons.holds_before
    from reasons
    inner join {{ ref('int_data_day') }} as data_day on reasons.holds_before <= data_day.as_of_date
),

ranked as (
    select
        changes.customer_id,
        changes.day,
        reasons.owner_role,
        reasons.reason,
        row_number() over (
            partition by changes.customer_id, changes.day order by reasons.priority, reasons.reason
        ) as reason_rank
    from changes
    left join reasons
        on changes.customer_id = reasons.customer_id
        and changes.day >= reasons.holds_from
        and changes.day < reasons.holds_before
),

compared as (
    select
        customer_id,
        day,
        owner_role,
        reason,
        lag(coalesce(reason, 'none')) over (partition by customer_id order by day) as reason_before
    from ranked
    where reason_rank = 1
)

select
    customer_id,
    owner_role as suggested_owner_role,
    reason,
    day as valid_from,
    cast(lead(day) over (partition by customer_id order by day) as date) as valid_to
from compared
where reason_before is null or coalesce(reason, 'none') <> reason_before

with lines as (
    select
        lines.customer_id,
        lines.month,
        sum(lines.list_usd) as list_usd,
        sum(lines.discount_usd) as discount_usd,
        sum(lines.credit_applied_usd) as credit_applied_usd,
        sum(lines.refund_usd) as refund_usd,
        max(case when lines.is_on_startup_plan then 1 else 0 end) as is_on_startup_plan
    from {{ ref('int_mrr_lines') }} as lines
    cross join {{ ref('int_data_day') }} as data_day
    where lines.has_exchange_rate and lines.month <= data_day.last_closed_month
    group by lines.customer_id, lines.month
),

first_months as (
    select customer_id, min(month) as first_month
    from lines
    group by customer_id
),

calendar as (
    {{ calendar('month') | indent(4) }}
),

months as (
    select calendar.month
    from calendar
    inner join {{ ref('int_data_day') }} as data_day on calendar.month <= data_day.last_closed_month
    where calendar.month >= (select min(first_month) from first_months)
),

prepaid_months as (
    select distinct customers.customer_id, months.month
    from {{ ref('int_billing_versions') }} as billing
    inner join {{ ref('int_customers') }} as customers on billing.organization_id = customers.organization_id
    inner join months
        on billing.annual_plan_start_at <= {{ last_instant(dbt.dateadd('month', 1, 'months.month')) }}
        and billing.annual_plan_end_at > {{ last_instant(dbt.dateadd('month', 1, 'months.month')) }}
        and billing.valid_from < {{ dbt.dateadd('month', 1, 'months.month') }}
        and billing.valid_to >= {{ dbt.dateadd('month', 1, 'months.month') }}
),

customer_months as (
    select
        first_months.customer_id,
        months.month,
        {{ usd('coalesce(lines.list_usd, 0)') }} as list_usd,
        {{ usd('coalesce(lines.discount_usd, 0)') }} as discount_usd,
        {{ usd('coalesce(lines.credit_applied_usd, 0)') }} as credit_applied_usd,
        {{ usd('coalesce(lines.refund_usd, 0)') }} as refund_usd,
        case
            when prepaid_months.customer_id is not null then 'prepaid'
            when lines.is_on_startup_plan = 1 then 'startup_credit'
            else 'usage'
        end as basis
    from first_months
    inner join months on months.month >= first_months.first_month
    left join lines
        on first_months.customer_id = lines.customer_id
        and months.month = lines.month
    left join prepaid_months
        on first_months.customer_id = prepaid_months.customer_id
        and months.month = prepaid_months.month
),

with_mrr as (
    select
        customer_id,
        month,
        list_usd,
        discount_usd,
        credit_applied_usd,
        refund_usd,
        {{ usd('list_usd - discount_usd - credit_applied_usd - refund_usd') }} as mrr_usd_month,
        basis
    from customer_months
)

select
    customer_id,
    month,
    list_usd,
    discount_usd,
    credit_applied_usd,
    refund_usd,
    mrr_usd_month,
    {{ arr_usd_year('mrr_usd_month') }} as arr_usd_year,
    basis
from with_mrr

{#- Whoever pays for a product in the ICP, with what a reference takes. What is not known is not missing. -#}
with products_paid as (
    select
        paid.customer_id,
        paid.product_key,
        paid.month,
        row_number() over (partition by paid.customer_id, paid.product_key order by paid.month desc) as months_back,
        {{ dbt.datediff('paid.month', 'data_day.last_closed_month', 'month') }} as months_ago
    from {{ ref('fct_mrr_products') }} as paid
    inner join {{ ref('products') }} as products
        on paid.product_key = products.product_key
        and not products.is_package
        and not products.is_credit
    cross join {{ ref('int_data_day') }} as data_day
    where paid.mrr_usd_month > 0
),

paid_now as (
    select customer_id, product_key, min(month) as paid_since, count(*) as months_paid
    from products_paid
    where months_ago = months_back - 1
    group by customer_id, product_key
),

unsettled as (
    select distinct customer_id
    from {{ ref('rpt_account_risk') }}
    where signal in ('bill_unpaid', 'bill_uncollectible')
),

crm as (
    select count(*) > 0 as is_known
    from {{ ref('stg_crm__accounts') }}
),

judged as (
    select
        paid_now.product_key,
        customers.icp_segment,
        paid_now.customer_id,
        customers.arr_usd_year,
        paid_now.paid_since,
        paid_now.months_paid,
        paid_now.months_paid >= {{ threshold('reference_paid_months') }} as has_paid_long,
        case customers.health when 'healthy' then true when 'unknown' then null else false end as is_healthy,
        unsettled.customer_id is null as has_settled_bills,
        case when crm.is_known then not customers.is_do_not_contact end as may_be_asked,
        data_day.as_of_date
    from paid_now
    inner join {{ ref('dim_customers') }} as customers on paid_now.customer_id = customers.customer_id
    cross join crm
    cross join {{ ref('int_data_day') }} as data_day
    left join unsettled on paid_now.customer_id = unsettled.customer_id
    where customers.icp_segment in ('high_growth', 'high_potential')
),

stated as (
    select
        *,
        case
            when not has_paid_long or not has_settled_bills or not coalesce(is_healthy, true) or not coalesce(may_be_asked, true)
                then 'not_yet'
            when is_healthy is null or may_be_asked is null then 'unknown'
            else 'could_be'
        end as state,
        nullif(substr(
            case when has_paid_long then '' else ', more months of paying' end
            || case when has_settled_bills then '' else ', settled bills' end
            || case when is_healthy then '' when is_healthy is null then ', known health' else ', steady use' end
            || case
                when may_be_asked then '' when may_be_asked is null then ', a CRM that says who may be asked'
                else ', leave to ask'
            end,
            3
        ), '') as missing,
        cast(
            {{ dbt.dateadd('month', 'cast(' ~ threshold('reference_paid_months') ~ ' as int)', 'paid_since') }} as date
        ) as paid_long_since
    from judged
)

select
    product_key,
    icp_segment,
    customer_id,
    state,
    missing,
    has_paid_long,
    is_healthy,
    has_settled_bills,
    may_be_asked,
    paid_since,
    cast(months_paid as int) as months_paid,
    case when has_paid_long then paid_long_since end as could_be_since,
    arr_usd_year,
    cast(row_number() over (
        partition by product_key, icp_segment
        order by
            case state when 'could_be' then 1 when 'unknown' then 2 else 3 end,
            paid_since,
            arr_usd_year desc,
            customer_id
    ) as int) as place,
    as_of_date
from stated

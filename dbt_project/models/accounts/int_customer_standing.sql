{#- What the lists and the wide table of customers have in common, without what follows from the queue. -#}
with customers as (
    select distinct customer_id
    from {{ ref('int_customers') }}
),

mrr as (
    select
        monthly.customer_id,
        min(case when monthly.mrr_usd_month > 0 then monthly.month end) as first_paid_month,
        sum(case when monthly.month = data_day.last_closed_month then monthly.mrr_usd_month else 0 end) as mrr_usd_month,
        sum(case when monthly.month = data_day.last_closed_month then monthly.arr_usd_year else 0 end) as arr_usd_year
    from {{ ref('fct_mrr_monthly') }} as monthly
    cross join {{ ref('int_data_day') }} as data_day
    group by monthly.customer_id
),

accounts as (
    {{ version_on_data_day(
        ref('stg_crm__accounts'),
        key=['account_id'],
        stamp='updated_at',
        columns=['account_id', 'organization_id', 'is_do_not_contact'],
    ) | indent }}
),

closed_to_mail as (
    select distinct members.customer_id
    from accounts
    inner join {{ ref('int_customers') }} as members on accounts.organization_id = members.organization_id
    where accounts.is_do_not_contact
)

select
    customers.customer_id,
    mrr.first_paid_month,
    {{ usd('coalesce(mrr.mrr_usd_month, 0)') }} as mrr_usd_month,
    {{ usd('coalesce(mrr.arr_usd_year, 0)') }} as arr_usd_year,
    tiers.tier as size_tier,
    owners.owner_email,
    closed_to_mail.customer_id is not null as is_do_not_contact
from customers
left join mrr on customers.customer_id = mrr.customer_id
left join {{ ref('int_size_tiers') }} as tiers
    on greatest(coalesce(mrr.arr_usd_year, 0), 0) >= tiers.arr_from_usd_year
    and greatest(coalesce(mrr.arr_usd_year, 0), 0) < tiers.arr_below_usd_year
left join {{ ref('int_customer_owners') }} as owners
    on customers.customer_id = owners.customer_id
    and owners.owner_rank = 1
left join closed_to_mail on customers.customer_id = closed_to_mail.customer_id

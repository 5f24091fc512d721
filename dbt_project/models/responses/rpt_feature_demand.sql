{#- One company that asks is one wish, however often it asks; those that the product is for come first. Who asks before
    using is an account without an organization, or whose organizations had used nothing yet. What the vendor asks of
    itself is no wish. -#}
with accounts as (
    {{ version_on_data_day(
        ref('stg_crm__accounts'),
        key=['account_id'],
        stamp='updated_at',
        columns=['account_id', 'organization_id'],
    ) | indent }}
),

first_uses as (
    select members.customer_id, min(usage.first_used_on) as first_used_on
    from {{ ref('int_usage_by_organization') }} as usage
    inner join {{ ref('int_customers') }} as members on usage.organization_id = members.organization_id
    group by members.customer_id
),

requests as (
    select
        requests.feature,
        coalesce(members.customer_id, requests.account_id) as asker,
        members.customer_id,
        min(requests.requested_at) as requested_at,
        max(case when requests.shipped_at < data_day.as_of_ts then cast(requests.shipped_at as date) end) as shipped_on
    from {{ ref('stg_crm__feature_requests') }} as requests
    cross join {{ ref('int_data_day') }} as data_day
    left join accounts on requests.account_id = accounts.account_id
    left join {{ ref('int_organizations_on_data_day') }} as organizations
        on accounts.organization_id = organizations.organization_id
    left join {{ ref('int_customers') }} as members on accounts.organization_id = members.organization_id
    where requests.requested_at < data_day.as_of_ts and not coalesce(organizations.is_internal, false)
    group by requests.feature, coalesce(members.customer_id, requests.account_id), members.customer_id
),

asked as (
    select
        requests.feature,
        requests.requested_at,
        requests.shipped_on,
        coalesce(customers.icp_segment in ('high_growth', 'high_potential'), false) as is_icp,
        coalesce(customers.lifecycle = 'paying', false) as is_paying,
        coalesce(customers.arr_usd_year, 0) as arr_usd_year,
        coalesce(first_uses.first_used_on > cast(requests.requested_at as date), true) as asks_before_using
    from requests
    left join {{ ref('dim_customers') }} as customers on requests.customer_id = customers.customer_id
    left join first_uses on requests.customer_id = first_uses.customer_id
)

select
    asked.feature,
    cast(count(*) as int) as companies,
    cast(case when enrichment.companies > 0 then sum(case when asked.is_icp then 1 else 0 end) end as int) as icp_companies,
    cast(sum(case when asked.is_paying then 1 else 0 end) as int) as paying_companies,
    {{ usd('sum(asked.arr_usd_year)') }} as arr_usd_year,
    count(*) = 1 as would_be_the_only_user,
    cast(sum(case when asked.asks_before_using then 1 else 0 end) as int) as ask_before_using,
    cast(min(asked.requested_at) as date) as first_requested_on,
    max(asked.shipped_on) as shipped_on,
    cast(row_number() over (
        order by
            case when max(asked.shipped_on) is null then 0 else 1 end,
            sum(case when asked.is_icp then 1 else 0 end) desc,
            count(*) desc,
            asked.feature
    ) as int) as place,
    data_day.as_of_date
from asked
cross join {{ ref('int_data_day') }} as data_day
cross join (select count(*) as companies from {{ ref('stg_enrichment__companies') }}) as enrichment
group by asked.feature, data_day.as_of_date, enrichment.companies

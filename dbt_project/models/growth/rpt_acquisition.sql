{#- Sign-ups, new customers and spend of one month and channel stand side by side: a month's spend is held against the
    customers that began to pay in it. -#}
with signups as (
    select
        {{ month_of('signups.created_at') }} as month,
        coalesce(signups.signup_channel, 'not_stated') as signup_channel,
        count(*) as signups,
        count(signups.activated_at) as activated,
        sum(case when segments.icp_segment in ('high_growth', 'high_potential') then 1 else 0 end) as icp_signups
    from {{ ref('int_signups') }} as signups
    left join {{ ref('int_organization_segments') }} as segments on signups.organization_id = segments.organization_id
    group by {{ month_of('signups.created_at') }}, coalesce(signups.signup_channel, 'not_stated')
),

acquired as (
    select
        first_paid_month as month,
        signup_channel,
        count(*) as paying_customers,
        sum(first_mrr_usd_month) as mrr_usd_month,
        count(is_self_serve) as judged_customers,
        sum(case when is_self_serve then 1 else 0 end) as self_serve_customers,
        sum(case when is_self_serve then first_mrr_usd_month else 0 end) as self_serve_mrr_usd_month
    from {{ ref('int_acquired_customers') }}
    group by first_paid_month, signup_channel
),

spend as (
    select
        {{ month_of('spend.month') }} as month,
        coalesce(spend.signup_channel, 'unattributed') as signup_channel,
        {{ round_half_up('sum(spend.amount_usd)') }} as spend_usd
    from {{ ref('stg_spend__sales_and_marketing') }} as spend
    cross join {{ ref('int_data_day') }} as data_day
    where spend.month <= data_day.as_of_date
    group by {{ month_of('spend.month') }}, coalesce(spend.signup_channel, 'unattributed')
),

cells as (
    select month, signup_channel from signups
    union
    select month, signup_channel from acquired
    union
    select month, signup_channel from spend
),

counted as (
    select
        cells.month,
        cells.signup_channel,
        coalesce(signups.signups, 0) as signups,
        coalesce(signups.activated, 0) as activated,
        case when enrichment.companies > 0 then coalesce(signups.icp_signups, 0) end as icp_signups,
        case when cells.month <= data_day.last_closed_month then coalesce(acquired.paying_customers, 0) end as paying_customers,
        case when cells.month <= data_day.last_closed_month then coalesce(acquired.mrr_usd_month, 0) end as mrr_usd_month,
        case when spend_months.month is not null then coalesce(spend.spend_usd, 0) end as spend_usd,
        acquired.judged_customers,
        acquired.self_serve_customers,
        acquired.self_serve_mrr_usd_month
    from cells
    cross join {{ ref('int_data_day') }} as data_day
    cross join (select count(*) as companies from {{ ref('stg_enrichment__companies') }}) as enrichment
    left join signups on cells.month = signups.month and cells.signup_channel = signups.signup_channel
    left join acquired on cells.month = acquired.month and cells.signup_channel = acquired.signup_channel
    left join spend on cells.month = spend.month and cells.signup_channel = spend.signup_channel
    left join (select distinct month from spend) as spend_months on cells.month = spend_months.month
)

select
    month,
    signup_channel,
    cast(signups as int) as signups,
    cast(activated as int) as activated,
    cast(icp_signups as int) as icp_signups,
    cast(paying_customers as int) as paying_customers,
    {{ usd('mrr_usd_month') }} as new_mrr_usd_month,
    {{ usd('spend_usd') }} as spend_usd,
    cast(
        {{ divide_half_up(
            'cast(cast(spend_usd as decimal(20, 2)) * 100 as decimal(38, 0))', 'paying_customers'
        ) }} * 0.01 as decimal(22, 2)
    ) as cost_per_paying_customer_usd,
    {{ payback_days('spend_usd', 'mrr_usd_month') }} as payback_days,
    {{ ratio('case when judged_customers > 0 then self_serve_customers end', 'paying_customers') }} as self_serve_share,
    {{ ratio('case when judged_customers > 0 then self_serve_mrr_usd_month end', 'mrr_usd_month') }} as self_serve_mrr_share
from counted

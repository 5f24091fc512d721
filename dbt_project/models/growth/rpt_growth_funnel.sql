{#- An organization is followed to the month that holds its conversion day. A cohort is old enough once that month is
    closed for its last sign-up. MRR is that of the billing account, which stands under one organization. -#}
with signups as (
    select
        organization_id,
        {{ month_of('created_at') }} as month,
        activated_at,
        {{ month_of(dbt.dateadd('day', 'cast(' ~ threshold('conversion_days') ~ ' as int)', 'created_at')) }} as conversion_month
    from {{ ref('int_signups') }}
),

followed as (
    select
        signups.organization_id,
        signups.month,
        signups.activated_at,
        max(case when mrr.mrr_usd_month > 0 then 1 else 0 end) as has_paid,
        coalesce(sum(case when mrr.month = signups.conversion_month then mrr.mrr_usd_month end), 0) as mrr_usd_month
    from signups
    left join {{ ref('int_organization_mrr_monthly') }} as mrr
        on signups.organization_id = mrr.organization_id
        and mrr.month <= signups.conversion_month
    group by signups.organization_id, signups.month, signups.activated_at
),

cohorts as (
    select
        followed.month,
        count(*) as signups,
        count(followed.activated_at) as activated,
        sum(followed.has_paid) as has_paid,
        sum(followed.mrr_usd_month) as mrr_usd_month
    from followed
    group by followed.month
),

aged as (
    select
        cohorts.*,
        {{ month_of(dbt.dateadd('day', 'cast(' ~ threshold('conversion_days') ~ ' as int)', month_end('cohorts.month'))) }}
            <= data_day.last_closed_month as is_old_enough
    from cohorts
    cross join {{ ref('int_data_day') }} as data_day
)

select
    month,
    cast(signups as int) as signups,
    cast(activated as int) as activated,
    cast(case when is_old_enough then has_paid end as int) as paying_by_day_120,
    {{ usd('case when is_old_enough then mrr_usd_month end') }} as mrr_at_day_120_usd_month,
    cast(
        case
            when is_old_enough then {{ divide_half_up(
                'cast(cast(mrr_usd_month as decimal(20, 2)) * 100000 as decimal(38, 0))', 'signups'
            ) }} * 0.01
        end
        as decimal(22, 2)
    ) as mrr_at_day_120_per_1000_signups_usd_month
from aged

{#- Without enrichment nobody knows which sign-ups are in the ICP. -#}
{%- set reasons = [
    'no_owner', 'no_domain', 'free_mail', 'not_enriched', 'not_found', 'insufficient_data', 'disqualified', 'stale',
    'missing_fact',
] -%}

with signups as (
    select
        cast({{ dbt.date_trunc('week', 'created_on') }} as date) as week,
        icp_segment,
        unknown_reason,
        is_work_mail
    from {{ ref('int_organization_segments') }}
),

by_week as (
    select
        week,
        count(*) as signups,
        sum(case when is_work_mail then 1 else 0 end) as work_mail_signups,
        {%- for segment in ['high_growth', 'high_potential', 'hobbyist', 'unknown'] %}
        sum(case when icp_segment = '{{ segment }}' then 1 else 0 end) as {{ segment }}_signups,
        {%- endfor %}
        sum(
            case when icp_segment in ('high_growth', 'high_potential', 'hobbyist', 'unknown') then 0 else 1 end
        ) as other_signups,
        sum(case when icp_segment in ('high_growth', 'high_potential') then 1 else 0 end) as icp_signups,
        {%- for reason in reasons %}
        sum(case when unknown_reason = '{{ reason }}' then 1 else 0 end) as unknown_{{ reason }},
        {%- endfor %}
        sum(case when is_work_mail and icp_segment <> 'unknown' then 1 else 0 end) as work_mail_with_segment
    from signups
    group by week
),

paying as (
    select
        cast({{ dbt.date_trunc('week', 'bills.paid_on') }} as date) as week,
        count(*) as new_paying_companies
    from {{ ref('int_paid_bills') }} as bills
    inner join {{ ref('int_customer_standing') }} as customers
        on bills.customer_id = customers.customer_id
        and customers.first_paid_month is not null
    where bills.bill_number = 1
    group by cast({{ dbt.date_trunc('week', 'bills.paid_on') }} as date)
),

weeks as (
    select week from by_week
    union
    select week from paying
)

select
    weeks.week,
    {%- for column in [
        'signups', 'work_mail_signups', 'high_growth_signups', 'high_potential_signups', 'hobbyist_signups',
        'other_signups', 'unknown_signups',
    ] %}
    cast(coalesce(by_week.{{ column }}, 0) as int) as {{ column }},
    {%- endfor %}
    cast(case when enrichment.companies > 0 then coalesce(by_week.icp_signups, 0) end as int) as icp_signups,
    case when enrichment.companies > 0 then {{ percent_of('by_week.icp_signups', 'by_week.signups') }} end
        as icp_signups_percent,
    cast(coalesce(by_week.work_mail_with_segment, 0) as int) as work_mail_with_segment,
    {{ percent_of('by_week.work_mail_with_segment', 'by_week.work_mail_signups') }} as coverage_percent,
    {%- for reason in reasons %}
    cast(coalesce(by_week.unknown_{{ reason }}, 0) as int) as unknown_{{ reason }},
    {%- endfor %}
    cast(coalesce(paying.new_paying_companies, 0) as int) as new_paying_companies
from weeks
cross join (select count(*) as companies from {{ ref('stg_enrichment__companies') }}) as enrichment
left join by_week on weeks.week = by_week.week
left join paying on weeks.week = paying.week

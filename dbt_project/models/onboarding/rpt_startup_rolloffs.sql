{#- A stage holds since the first of the days without a gap on which the account was in it. -#}
with startups as (
    select
        forecasts.organization_id,
        forecasts.customer_id,
        forecasts.as_of_date,
        forecasts.startup_program,
        forecasts.credit_left_usd,
        forecasts.credit_expires_on,
        forecasts.runway_days,
        forecasts.rolloff_in_days,
        forecasts.forecast_bill_usd,
        data_day.as_of_date as data_date
    from {{ ref('int_onboarding_forecasts') }} as forecasts
    cross join {{ ref('int_data_day') }} as data_day
    where forecasts.startup_program is not null
),

staged as (
    {#- The stage of each day: the one with the fewest days that the end is within. -#}
    select
        startups.*,
        stages.signal,
        stages.rolloff_within_days,
        stages.rule,
        stages.unit,
        stages.next_action,
        row_number() over (
            partition by startups.organization_id, startups.as_of_date
            order by stages.rolloff_within_days
        ) as stage_rank
    from startups
    inner join {{ ref('startup_rolloff_stages') }} as stages
        on startups.rolloff_in_days <= stages.rolloff_within_days
),

days_of_stage as (
    select
        today.organization_id,
        cast({{ dbt.datediff('days.as_of_date', 'today.as_of_date', 'day') }} as int) as step,
        days.as_of_date as day,
        days.rolloff_in_days as figure
    from staged as today
    inner join staged as days
        on today.organization_id = days.organization_id
        and today.signal = days.signal
        and days.stage_rank = 1
    where today.stage_rank = 1 and today.as_of_date = today.data_date
),

since as (
    {{ unbroken_since('days_of_stage', ['organization_id']) | indent(4) }}
),

placed as (
    select
        staged.*,
        row_number() over (
            partition by staged.customer_id, staged.signal
            order by staged.rolloff_in_days, staged.organization_id
        ) as place
    from staged
    where staged.stage_rank = 1 and staged.as_of_date = staged.data_date
)

select
    placed.customer_id,
    organizations.name as customer_name,
    placed.signal,
    placed.organization_id,
    others.others as other_organizations,
    placed.rule as what_fired,
    cast(placed.rolloff_in_days as decimal(24, 4)) as figure,
    cast(placed.rolloff_within_days as decimal(24, 4)) as threshold,
    placed.unit,
    cast(since.since as date) as since,
    placed.next_action,
    placed.startup_program,
    case
        when programs.credit_usd > placed.credit_left_usd then {{ usd('programs.credit_usd - placed.credit_left_usd') }}
        when programs.credit_usd is not null then {{ usd('0') }}
    end as credit_used_usd,
    placed.credit_left_usd,
    cast(placed.runway_days as int) as runway_days,
    placed.credit_expires_on,
    cast({{ dbt.dateadd('day', 'cast(placed.rolloff_in_days as int)', 'placed.as_of_date') }} as date) as rolls_off_on,
    placed.forecast_bill_usd as projected_first_bill_usd,
    segments.icp_segment,
    {{ list_rank('segments', ['placed.rolloff_in_days', 'placed.customer_id', 'placed.signal']) | indent(4) }} as list_rank,
    placed.as_of_date
from placed
inner join since on placed.organization_id = since.organization_id
inner join {{ ref('int_organization_segments') }} as segments
    on placed.customer_id = segments.organization_id
    and segments.list_order is not null
left join {{ ref('int_organizations') }} as organizations on placed.customer_id = organizations.organization_id
{{ join_others('placed', 'organization_id') }}
left join {{ ref('startup_programs') }} as programs on placed.startup_program = programs.startup_program
where placed.place = 1

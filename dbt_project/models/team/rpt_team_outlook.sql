with teams as (
    select
        as_of,
        lever,
        month,
        sum(people_p10) as people_p10,
        sum(people_p50) as people_p50,
        sum(people_p90) as people_p90
    from {{ ref('rpt_team_projection') }}
    group by as_of, lever, month
),

limits as (
    select
        {{ threshold('team_people_max') }} as team_people_max,
        case when (select count(*) from {{ ref('stg_crm__accounts') }}) > 0
            then coalesce((select max(team_people) from {{ ref('rpt_owner_load') }}), 0)
        end as people_now
),

outlooks as (
    select
        teams.as_of,
        teams.lever,
        limits.people_now,
        limits.team_people_max,
        min(teams.month) as first_month,
        max(teams.month) as last_month,
        count(teams.people_p50) > 0 as is_known,
        min(case when teams.people_p10 > limits.team_people_max then teams.month end) as above_month_p10,
        min(case when teams.people_p50 > limits.team_people_max then teams.month end) as above_month_p50,
        min(case when teams.people_p90 > limits.team_people_max then teams.month end) as above_month_p90
    from teams
    cross join limits
    group by teams.as_of, teams.lever, limits.people_now, limits.team_people_max
)

select
    outlooks.as_of,
    outlooks.lever,
    levers.lever_order,
    levers.meaning,
    cast(outlooks.people_now as int) as people_now,
    cast(outlooks.team_people_max as int) as team_people_max,
    cast(firsts.people_p50 as int) as people_first_month,
    outlooks.last_month,
    cast(lasts.people_p50 as int) as people_last_month,
    outlooks.above_month_p10,
    outlooks.above_month_p50,
    outlooks.above_month_p90,
    case
        when not outlooks.is_known then 'unknown'
        when outlooks.above_month_p50 is null then 'stays within'
        else 'goes above'
    end as outlook
from outlooks
inner join {{ ref('team_levers') }} as levers on outlooks.lever = levers.lever
inner join teams as firsts
    on outlooks.lever = firsts.lever
    and outlooks.first_month = firsts.month
inner join teams as lasts
    on outlooks.lever = lasts.lever
    and outlooks.last_month = lasts.month

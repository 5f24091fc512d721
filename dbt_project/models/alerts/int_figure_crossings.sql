{#- A crossing is the first day past the bound after a day within it. A figure that is past its bound on the first day
    looked at has no crossing. The onboarding queue and the bills expected are counted here: they are known as late as
    any table. -#}
with days as (
    select distinct day
    from {{ ref('int_figure_days') }}
),

queue as (
    select
        days.day,
        sum(case when stays.customer_id is not null then 1 else 0 end) as customers
    from days
    left join {{ ref('fct_onboarding_queue') }} as stays
        on days.day >= stays.entered_on
        and days.day < coalesce(stays.exited_on, cast('9999-12-31' as date))
    group by days.day
),

{#- On a past day a contact is late by the period that was open then: the next one moves the day of contact on. Whom
    nobody may write to on the data day is late on no day. -#}
contacts as (
    select
        stays.customer_id,
        forecasts.as_of_date as known_from,
        coalesce(
            lead(forecasts.as_of_date) over (
                partition by stays.customer_id, stays.entered_on
                order by forecasts.as_of_date
            ),
            stays.exited_on,
            cast('9999-12-31' as date)
        ) as known_before,
        {{ contact_by('stays.entered_on', 'forecasts.period_end') }} as contact_by
    from {{ ref('fct_onboarding_queue') }} as stays
    inner join {{ ref('int_onboarding_customer_days') }} as forecasts
        on stays.customer_id = forecasts.customer_id
        and forecasts.as_of_date >= stays.entered_on
        and forecasts.as_of_date < coalesce(stays.exited_on, cast('9999-12-31' as date))
    left join {{ ref('dim_customers') }} as customers on stays.customer_id = customers.customer_id
    where not coalesce(customers.is_do_not_contact, false)
),

late as (
    select days.day, count(contacts.customer_id) as customers
    from days
    left join contacts
        on days.day >= contacts.known_from
        and days.day < contacts.known_before
        and days.day > contacts.contact_by
    group by days.day
),

bills as (
    select days.day, coalesce(sum(forecasts.forecast_payable_usd), 0) as payable_usd
    from days
    left join {{ ref('fct_bill_forecasts') }} as forecasts on days.day = forecasts.as_of_date
    group by days.day
),

figures as (
    select metric, group_by, group_value, day, figure
    from {{ ref('int_figure_days') }}

    union all

    select 'onboarding_queue_size', 'company', 'all', day, cast(customers as decimal(24, 4))
    from queue

    union all

    select 'late_contacts', 'company', 'all', day, cast(customers as decimal(24, 4))
    from late

    union all

    select 'expected_bills', 'company', 'all', day, cast(payable_usd as decimal(24, 4))
    from bills
),

compared as (
    select
        rules.rule,
        figures.group_value,
        figures.day,
        rules.days,
        figures.figure,
        before.figure as figure_before,
        case rules.comparison
            when 'above' then figures.figure > rules.bound
            when 'below' then figures.figure < rules.bound
            when 'rises_by' then before.figure > 0 and figures.figure >= before.figure * (1 + rules.bound)
            when 'falls_by' then before.figure > 0 and figures.figure <= before.figure * (1 - rules.bound)
        end as holds,
        rules.comparison in ('above', 'below') as is_of_days_in_a_row
    from {{ ref('figure_alert_rules') }} as rules
    inner join figures
        on rules.metric = figures.metric
        and rules.group_by = figures.group_by
        and coalesce(rules.group_value, figures.group_value) = figures.group_value
    left join figures as before
        on rules.comparison in ('rises_by', 'falls_by')
        and figures.metric = before.metric
        and figures.group_by = before.group_by
        and figures.group_value = before.group_value
        and before.day = {{ dbt.dateadd('day', '-1 * rules.days', 'figures.day') }}
),

in_a_row as (
    select
        compared.*,
        max(case when coalesce(holds, false) then null else day end) over (
            partition by rule, group_value
            order by day
        ) as last_held_not_on
    from compared
),

past as (
    select
        rule,
        group_value,
        day,
        figure,
        figure_before,
        case
            when not coalesce(holds, false) then false
            when not is_of_days_in_a_row or last_held_not_on is null then true
            else {{ dbt.datediff('last_held_not_on', 'day', 'day') }} >= days
        end as is_past_bound
    from in_a_row
)

select
    rule,
    group_value,
    day,
    figure,
    cast(figure_before as decimal(24, 4)) as figure_before,
    is_past_bound,
    is_past_bound and not coalesce(
        lag(is_past_bound) over (partition by rule, group_value order by day), true
    ) as is_crossing
from past

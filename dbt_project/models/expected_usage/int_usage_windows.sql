{#- For the days that are built, and the day before the period that each is in, the sums that a forecast is made of: the
    last weeks, and each weekday over the weeks of its rhythm. Lag 0 is the day's own weekday, lag 1 that of the day before.
    Usage is that of all organizations of an account together, as far back as the open periods and the windows reach: days
    whose forecasts stay as they are need not be looked at again. Of a missing day the mean is expected of the reported days
    since the first use in the four weeks before it: it is neither zero nor a break of the rhythm. Built by some of the
    accounts after the others. -#}
{{ config(materialized='table_in_pieces' if builds_in_pieces() else 'table') }}
with reach as (
    select
        min(accounts.period_start) as first_period_start,
        cast({{ dbt.dateadd('day', '-154', 'min(to_build.first_day)') }} as date) as first_window_start,
        max(to_build.last_day) as last_day
    from {{ ref('int_account_days') }} as accounts
    cross join {{ ref('int_days_to_build') }} as to_build
),

usage as (
    select
        spells.account_id,
        usage.product_key,
        usage.date,
        cast(sum(usage.quantity) as decimal(24, 6)) as quantity
    from {{ ref('fct_usage_daily') }} as usage
    inner join {{ ref('int_billing_spells') }} as spells
        on usage.organization_id = spells.organization_id
        and usage.date >= spells.held_from
        and usage.date < spells.held_before
    inner join reach on usage.date >= least(reach.first_period_start, reach.first_window_start)
    where
        usage.date <= reach.last_day
        and {{ in_piece('spells.account_id') }}
    group by spells.account_id, usage.product_key, usage.date
),

first_uses as (
    select account_id, product_key, min(date) as first_used_on
    from usage
    group by account_id, product_key
),

days as (
    select
        first_uses.account_id,
        first_uses.product_key,
        days.date,
        days.is_reported,
        days.missing_days_so_far,
        coalesce(usage.quantity, 0) as quantity
    from first_uses
    inner join {{ ref('int_history_days') }} as days on first_uses.first_used_on <= days.date
    inner join {{ ref('int_days_to_build') }} as to_build on days.date <= to_build.last_day
    left join usage
        on first_uses.account_id = usage.account_id
        and first_uses.product_key = usage.product_key
        and days.date = usage.date
),

estimated as (
    select
        missing.account_id,
        missing.product_key,
        missing.date,
        sum(days.quantity) as quantity,
        {{ dbt.datediff('min(days.date)', 'missing.date', 'day') }}
        - (missing.missing_days_so_far - 1 - min(days.missing_days_so_far)) as reported_days
    from days as missing
    inner join days
        on missing.account_id = days.account_id
        and missing.product_key = days.product_key
        and days.date >= {{ dbt.dateadd('day', -28, 'missing.date') }}
        and days.date < missing.date
        and days.quantity > 0
    where not missing.is_reported
    group by missing.account_id, missing.product_key, missing.date, missing.missing_days_so_far
),

product_days as (
    select
        days.account_id,
        days.product_key,
        days.date,
        cast({{ dbt.datediff("cast('2000-01-03' as date)", 'days.date', 'day') }} % 7 as int) as weekday,
        days.quantity,
        cast(
            case
                when estimated.date is null then days.quantity
                else {{ divide_half_up(
                    'cast(estimated.quantity * 1000000 as decimal(38, 0))', 'estimated.reported_days', 'decimal(30, 0)'
                ) }} * 0.000001
            end as decimal(24, 6)
        ) as expected_quantity
    from days
    left join estimated
        on days.account_id = estimated.account_id
        and days.product_key = estimated.product_key
        and days.date = estimated.date
),

by_weekday as (
    select
        product_days.*,
        cast(sum(expected_quantity) over (
            partition by account_id, product_key, weekday
            order by date
            rows between 7 preceding and current row
        ) as decimal(24, 6)) as weekday_0
    from product_days
),

{#- A frame that ends before the first use is empty, and its sum null. -#}
every_day as (
    select
        account_id,
        product_key,
        date,
        cast(sum(quantity) over so_far as decimal(28, 6)) as quantity_so_far,
        cast(sum(expected_quantity) over so_far as decimal(28, 6)) as expected_so_far,
        cast(sum(expected_quantity) over a_month as decimal(24, 6)) as month_quantity,
        cast(sum(expected_quantity) over weeks_before as decimal(24, 6)) as weeks_before,
        cast(max(expected_quantity) over week_0 as decimal(24, 6)) as highest_quantity,
        cast(
            {{ dbt.datediff('min(case when expected_quantity > 0 then date end) over recently', 'date', 'day') }} as int
        ) as age_days,
        {% for week in range(4) -%}
        cast(sum(expected_quantity) over week_{{ week }} as decimal(24, 6)) as week_{{ week }},
        {% endfor -%}
        weekday_0,
        {% for lag in range(1, 7) -%}
        lag(weekday_0, {{ lag }}) over in_order as weekday_{{ lag }}{{ ',' if not loop.last }}
        {% endfor %}
    from by_weekday
    window
        in_order as (partition by account_id, product_key order by date),
        {% for name, frame in {
            'so_far': 'unbounded preceding and current row',
            'recently': '55 preceding and current row',
            'weeks_before': '55 preceding and 28 preceding',
            'a_month': '29 preceding and current row',
            'week_0': '6 preceding and current row',
            'week_1': '13 preceding and 7 preceding',
            'week_2': '20 preceding and 14 preceding',
            'week_3': '27 preceding and 21 preceding',
        }.items() -%}
        {{ name }} as (partition by account_id, product_key order by date rows between {{ frame }}){{ ',' if not loop.last }}
        {% endfor %}
),

asked as (
    {% for day in ['as_of_date', same_day_before(1), same_day_before(2)] -%}
    select account_id, {{ day }} as date
    from {{ ref('int_account_days') }}

    union all

    {% endfor -%}
    {% for day in ends_alike().values() -%}
    select account_id, {{ day }} as date
    from (select distinct account_id, period_start, period_end from {{ ref('int_account_days') }}) as periods
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select every_day.*
from every_day
where exists (
    select 1
    from asked
    where asked.account_id = every_day.account_id and asked.date = every_day.date
)

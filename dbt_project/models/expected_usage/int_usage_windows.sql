{#- For the days that are built, and the day before the period that each is in, the sums that a forecast is made of: the
    last weeks, and each weekday over the weeks of its rhythm. Lag 0 is the day's own weekday, lag 1 that of the day before.
    Usage is that of all organizations of an account together, as far back as the windows and the four weeks before the
    open periods reach: days whose forecasts stay as they are need not be looked at again. Of a missing day the mean is
    expected of the reported days since the first use in the four weeks before it, or what some reported of it if that is
    more: it is neither zero nor a break of the rhythm. Built by some of the accounts after the others. -#}
{{ config(materialized='table_in_pieces' if builds_in_pieces() else 'table') }}
with reach as (
    select
        cast({{ dbt.dateadd('day', -28, 'min(accounts.period_start)') }} as date) as four_weeks_before_periods,
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
    inner join reach on usage.date >= least(reach.four_weeks_before_periods, reach.first_window_start)
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
        days.quantity,
        cast(
            case
                when estimated.date is null then days.quantity
                else greatest(days.quantity, {{ divide_half_up(
                    'cast(estimated.quantity * 1000000 as decimal(38, 0))', 'estimated.reported_days', 'decimal(30, 0)'
                ) }} * 0.000001)
            end as decimal(24, 6)
        ) as expected_quantity
    from days
    left join estimated
        on days.account_id = estimated.account_id
        and days.product_key = estimated.product_key
        and days.date = estimated.date
),

{#- Days have no gap: so many rows before is so many days before. -#}
so_far as (
    select
        product_days.*,
        cast(sum(quantity) over so_far as decimal(28, 6)) as quantity_so_far,
        cast(sum(expected_quantity) over so_far as decimal(28, 6)) as expected_so_far,
        min(case when expected_quantity > 0 then date end) over recently as used_on,
        max(expected_quantity) over last_week as highest_quantity,
        {% for week in range(8) -%}
        coalesce(lag(expected_quantity, {{ 7 * week }}) over in_order, 0){{ ' + ' if not loop.last }}
        {%- endfor %} as weekday_0
    from product_days
    window
        in_order as (partition by account_id, product_key order by date),
        so_far as (partition by account_id, product_key order by date rows between unbounded preceding and current row),
        last_week as (partition by account_id, product_key order by date rows between 6 preceding and current row),
        recently as (partition by account_id, product_key order by date rows between 55 preceding and current row)
),

{#- The sum of some days is the difference of two sums so far. Before the first use it is null. -#}
before as (
    select
        so_far.*,
        {% for days in [7, 14, 21, 28, 30, 56] -%}
        lag(expected_so_far, {{ days }}) over in_order as expected_before_{{ days }},
        {% endfor -%}
        {% for lag in range(1, 7) -%}
        lag(weekday_0, {{ lag }}) over in_order as weekday_{{ lag }}{{ ',' if not loop.last }}
        {% endfor %}
    from so_far
    window in_order as (partition by account_id, product_key order by date)
),

every_day as (
    select
        account_id,
        product_key,
        date,
        quantity_so_far,
        expected_so_far,
        cast(expected_so_far - coalesce(expected_before_30, 0) as decimal(24, 6)) as month_quantity,
        cast(expected_before_28 - coalesce(expected_before_56, 0) as decimal(24, 6)) as weeks_before,
        highest_quantity,
        cast({{ dbt.datediff('used_on', 'date', 'day') }} as int) as age_days,
        {% for days in [0, 7, 14, 21] -%}
        cast(
            {{ 'expected_before_' ~ days if days else 'expected_so_far' }} - coalesce(expected_before_{{ days + 7 }}, 0)
            as decimal(24, 6)
        ) as week_{{ loop.index0 }},
        {% endfor -%}
        {% for lag in range(7) -%}
        cast(weekday_{{ lag }} as decimal(24, 6)) as weekday_{{ lag }}{{ ',' if not loop.last }}
        {% endfor %}
    from before
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
inner join (select distinct account_id, date from asked) as days_asked
    on every_day.account_id = days_asked.account_id
    and every_day.date = days_asked.date

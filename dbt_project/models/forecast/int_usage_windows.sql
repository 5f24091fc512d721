{#- For the days that are built, and the day before the period that each is in, the sums that a forecast is made of: the
    last weeks, and each weekday over the weeks of its rhythm. Lag 0 is the day's own weekday, lag 1 that of the day before. -#}
with by_weekday as (
    select
        account_id,
        product_key,
        date,
        quantity,
        expected_quantity,
        cast(sum(expected_quantity) over (
            partition by account_id, product_key, weekday
            order by date
            rows between 7 preceding and current row
        ) as decimal(24, 6)) as weekday_quantity
    from {{ ref('int_account_product_days') }}
),

by_week as (
    select
        account_id,
        product_key,
        date,
        cast(sum(quantity) over so_far as decimal(28, 6)) as quantity_so_far,
        cast(sum(expected_quantity) over so_far as decimal(28, 6)) as expected_so_far,
        cast(sum(expected_quantity) over a_week as decimal(24, 6)) as week_quantity,
        cast(max(expected_quantity) over a_week as decimal(24, 6)) as highest_quantity,
        min(case when expected_quantity > 0 then date end) over recently as first_used_on,
        weekday_quantity
    from by_weekday
    window
        so_far as (partition by account_id, product_key order by date rows between unbounded preceding and current row),
        a_week as (partition by account_id, product_key order by date rows between 6 preceding and current row),
        recently as (partition by account_id, product_key order by date rows between 55 preceding and current row)
),

every_day as (
    select
        account_id,
        product_key,
        date,
        quantity_so_far,
        expected_so_far,
        highest_quantity,
        cast({{ dbt.datediff('first_used_on', 'date', 'day') }} as int) as age_days,
        week_quantity as week_0,
        {% for week in [1, 2, 3] -%}
        lag(week_quantity, {{ 7 * week }}) over (partition by account_id, product_key order by date) as week_{{ week }},
        {% endfor -%}
        weekday_quantity as weekday_0,
        {% for lag in range(1, 7) -%}
        lag(weekday_quantity, {{ lag }}) over (partition by account_id, product_key order by date) as weekday_{{ lag }}
        {{- ',' if not loop.last }}
        {% endfor %}
    from by_week
),

asked as (
    select account_id, as_of_date as date
    from {{ ref('int_account_days') }}

    union

    select account_id, cast({{ dbt.dateadd('day', -1, 'period_start') }} as date) as date
    from {{ ref('int_account_days') }}
)

select
    every_day.account_id,
    every_day.product_key,
    every_day.date,
    every_day.quantity_so_far,
    every_day.expected_so_far,
    every_day.highest_quantity,
    every_day.age_days,
    {% for week in range(4) -%}
    every_day.week_{{ week }},
    {% endfor -%}
    {% for lag in range(7) -%}
    every_day.weekday_{{ lag }}{{ ',' if not loop.last }}
    {% endfor %}
from every_day
inner join asked
    on every_day.account_id = asked.account_id
    and every_day.date = asked.date

{#- What the weekdays are to a mean day, for all accounts that have a full history and an open period. An account counts
    once, with the mean of its products, and the median of the accounts is taken in hundredths: one account of many
    moves it no further than to the next account's, which is mostly nowhere. Never 0, since levels are divided by it.
    Sums are of decimals: those of floats depend on their order. -#}
{%- set lags = range(7) -%}

with shares as (
    select
        windows.account_id,
        windows.date,
        {% for lag in lags -%}
        cast(
            7 * {{ estimate('windows.weekday_' ~ lag) }} / (
                {% for each in lags %}{{ estimate('windows.weekday_' ~ each) }}{{ ' + ' if not loop.last }}{% endfor %}
            ) as decimal(28, 9)
        ) as factor_{{ lag }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_usage_windows') }} as windows
    inner join {{ ref('int_account_days') }} as accounts
        on windows.account_id = accounts.account_id
        and windows.date = accounts.as_of_date
    where windows.age_days = 55
),

accounts as (
    select
        date,
        {% for lag in lags -%}
        cast({{ mean_of('factor_' ~ lag, 9) }} as decimal(12, 9)) as factor_{{ lag }}{{ ',' if not loop.last }}
        {% endfor %}
    from shares
    group by account_id, date
)

select
    date,
    {% for lag in lags -%}
    cast(
        greatest(
            round(cast(percentile_cont(0.5) within group (order by factor_{{ lag }}) as decimal(12, 9)), 2), 0.01
        ) as decimal(12, 2)
    ) as factor_{{ lag }}{{ ',' if not loop.last }}
    {% endfor %}
from accounts
group by date
having count(*) >= {{ threshold('rhythm_min_accounts') }}

{#- How many times its usual error a forecast was off in periods that had closed before a month began, by how much of the
    period was over and by the temper of the account: what intervals of that month's forecasts are made of. An account
    counts once for the periods that end in one month, with their mean, so that its short or long periods do not stand for
    everybody's; as one of many, it moves a bound by one rank a month of the history. Months stay as they are while the days
    before them do. Those after a past data day are not kept: what is corrected then changes them too. -#}
{%- set first_month, data_day = first_month_of_intervals_to_make(), ref('int_data_day') %}

with months as (
    select distinct {{ month_of('accounts.as_of_date') }} as month
    from {{ ref('int_account_days') }} as accounts
    where {{ month_of('accounts.as_of_date') }} >= {{ first_month }}
),

multiples as (
    select
        errors.account_organization_id,
        {{ month_of('errors.closed_on') }} as last_month,
        errors.elapsed_thirtieths,
        usual.temper,
        cast({{ estimate('errors.error') }} / {{ estimate('usual.usual_error') }} as decimal(28, 6)) as multiple
    from {{ ref('int_forecast_errors') }} as errors
    inner join {{ ref('int_usual_errors') }} as usual
        on errors.account_organization_id = usual.account_organization_id
        and errors.as_of_date = usual.as_of_date
    where usual.usual_error > 0
),

grouped as (
    select last_month, elapsed_thirtieths, temper, {{ mean_of('multiple', 6) }} as multiple
    from multiples
    group by account_organization_id, last_month, elapsed_thirtieths, temper

    union all

    select last_month, elapsed_thirtieths, 'all' as temper, {{ mean_of('multiple', 6) }} as multiple
    from multiples
    group by account_organization_id, last_month, elapsed_thirtieths
),

ranked as (
    select
        months.month,
        grouped.elapsed_thirtieths,
        grouped.temper,
        grouped.multiple,
        row_number() over (
            partition by months.month, grouped.elapsed_thirtieths, grouped.temper
            order by grouped.multiple
        ) as multiple_rank
    from months
    inner join grouped
        on grouped.last_month < months.month
        and grouped.last_month
        >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('interval_history_months') ~ ' as int)', 'months.month') }}
),

counted as (
    select month, elapsed_thirtieths, temper, max(multiple_rank) as periods
    from ranked
    group by month, elapsed_thirtieths, temper
),

bounds as (
    select
        month,
        elapsed_thirtieths,
        temper,
        cast(greatest(
            floor((periods + 1) * (1 - {{ threshold('interval_rank_share') }}) * 0.5), 1
        ) as bigint) as low_rank,
        cast(least(
            ceil((periods + 1) * (1 + {{ threshold('interval_rank_share') }}) * 0.5), periods
        ) as bigint) as high_rank
    from counted
    where periods >= {{ threshold('interval_min_periods') }}
)

select
    bounds.month,
    bounds.elapsed_thirtieths,
    bounds.temper,
    least(low.multiple, 0) as low_multiple,
    greatest(high.multiple, 0) as high_multiple
from bounds
inner join ranked as low
    on bounds.month = low.month
    and bounds.elapsed_thirtieths = low.elapsed_thirtieths
    and bounds.temper = low.temper
    and bounds.low_rank = low.multiple_rank
inner join ranked as high
    on bounds.month = high.month
    and bounds.elapsed_thirtieths = high.elapsed_thirtieths
    and bounds.temper = high.temper
    and bounds.high_rank = high.multiple_rank
{%- if has_rows_to_keep(['month', 'elapsed_thirtieths', 'temper', 'low_multiple', 'high_multiple']) %}

union all

select month, elapsed_thirtieths, temper, low_multiple, high_multiple
from {{ this }}
where month < {{ first_month }} and month <= (select {{ month_of('as_of_date') }} from {{ data_day }})
{%- endif %}

{#- What each method weighs in an open period, by product and fifth of the period: the sixth power of how much smaller its
    errors were in the closed periods of the year before. The errors of all accounts count like `method_prior_periods` of
    its own. Level, step and trend, which are right for most, weigh `method_head_start` times as much.
    The drift is how much more than all of them is expected, in logarithms: what drifted from its trend goes on to, the
    more the calmer it is; around a year's end, what was far from its trend a year before is so again. -#}
{%- set methods = forecast_methods() -%}
{%- set a_year = 'cast(' ~ threshold('interval_history_months') ~ ' as int)' -%}

with periods as (
    select distinct
        quantities.account_organization_id,
        quantities.product_key,
        quantities.period_start,
        quantities.elapsed_fifths,
        {{ month_of('quantities.period_start') }} as month,
        cast({{ dbt.dateadd('month', '-1 * ' ~ a_year, 'quantities.period_start') }} as date) as learned_from
    from {{ ref('int_quantity_methods') }} as quantities
    inner join {{ ref('int_days_to_build') }} as days
        on quantities.as_of_date >= days.first_day
        and quantities.as_of_date <= days.last_day
),

by_month as (
    select
        {{ month_of('as_of_date') }} as month,
        elapsed_fifths,
        {% for method in methods -%}
        count({{ method }}_error) as {{ method }}_periods,
        sum({{ method }}_error) as {{ method }}_error{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_method_errors') }}
    group by {{ month_of('as_of_date') }}, elapsed_fifths
),

of_all as (
    select
        months.month,
        by_month.elapsed_fifths,
        {% for method in methods -%}
        {{ estimate('sum(by_month.' ~ method ~ '_error)') }} / nullif(sum(by_month.{{ method }}_periods), 0) as {{ method }}_error{{ ',' if not loop.last }}
        {% endfor %}
    from (select distinct month from periods) as months
    inner join by_month
        on by_month.month < months.month
        and by_month.month >= {{ dbt.dateadd('month', '-1 * ' ~ a_year, 'months.month') }}
    group by months.month, by_month.elapsed_fifths
),

of_product as (
    select
        periods.account_organization_id,
        periods.product_key,
        periods.period_start,
        periods.elapsed_fifths,
        {% for method in methods -%}
        count(errors.{{ method }}_error) as {{ method }}_periods,
        sum(errors.{{ method }}_error) as {{ method }}_error,
        {% endfor -%}
        count(errors.trend_drift) as drift_periods,
        sum(errors.trend_drift) as drift,
        sum(abs(errors.trend_drift)) as distance,
        max(case
            when extract(month from periods.period_start) in (12, 1)
                and abs({{ dbt.datediff('errors.period_start', 'periods.period_start', 'day') }} - 365) <= 6
                then errors.trend_drift
        end) as drift_a_year_before
    from periods
    inner join {{ ref('int_method_errors') }} as errors
        on periods.account_organization_id = errors.account_organization_id
        and periods.product_key = errors.product_key
        and periods.elapsed_fifths = errors.elapsed_fifths
        and errors.as_of_date < periods.period_start
        and errors.as_of_date >= periods.learned_from
    group by periods.account_organization_id, periods.product_key, periods.period_start, periods.elapsed_fifths
)

select
    periods.account_organization_id,
    periods.product_key,
    periods.period_start,
    periods.elapsed_fifths,
    {% for method in methods -%}
    cast({{ 'method_head_start' if method in ['level', 'step', 'trend'] else '1' }} / power(method_error_floor + (
        coalesce({{ estimate('of_product.' ~ method ~ '_error') }}, 0)
        + method_prior_periods * coalesce({{ estimate('of_all.' ~ method ~ '_error') }}, method_default_error)
    ) / (coalesce(of_product.{{ method }}_periods, 0) + method_prior_periods), 6) as decimal(28, 6)) as {{ method }}_weight,
    {% endfor -%}
    cast(coalesce(case
        when abs({{ estimate('of_product.drift_a_year_before') }}) > year_end_factor * (
            {{ estimate('of_product.distance - abs(of_product.drift_a_year_before)') }} + method_prior_periods * method_default_error
        ) / (of_product.drift_periods - 1 + method_prior_periods)
            then {{ estimate('of_product.drift_a_year_before') }}
        else {{ estimate('of_product.drift') }} / (
            of_product.drift_periods + drift_prior_periods * power((
                {{ estimate('of_product.distance') }} + method_prior_periods * method_default_error
            ) / (of_product.drift_periods + method_prior_periods) / drift_calm_share, 2)
        )
    end, 0) as decimal(12, 9)) as drift
from periods
left join of_all
    on periods.month = of_all.month
    and periods.elapsed_fifths = of_all.elapsed_fifths
left join of_product
    on periods.account_organization_id = of_product.account_organization_id
    and periods.product_key = of_product.product_key
    and periods.period_start = of_product.period_start
    and periods.elapsed_fifths = of_product.elapsed_fifths
cross join {{ thresholds_to_estimate_with([
    'method_head_start', 'method_error_floor', 'method_prior_periods', 'method_default_error',
    'drift_prior_periods', 'drift_calm_share', 'year_end_factor',
]) }} as thresholds

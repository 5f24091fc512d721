{#- How far each method was off in the closed periods of the year before an open one: those of the product itself, and
    those of all accounts, which count like `method_prior_periods` of its own. -#}
{%- set methods = forecast_methods() -%}

with periods as (
    select distinct
        quantities.account_organization_id,
        quantities.product_key,
        quantities.period_start,
        quantities.elapsed_fifths
    from {{ ref('int_quantity_methods') }} as quantities
    inner join {{ ref('int_days_to_build') }} as days
        on quantities.as_of_date >= days.first_day
        and quantities.as_of_date <= days.last_day
),

months as (
    select distinct {{ month_of('period_start') }} as month
    from periods
),

of_all as (
    select
        months.month,
        errors.elapsed_fifths,
        {% for method in methods -%}
        avg(cast(errors.{{ method }}_error as decimal(28, 9))) as {{ method }}_error{{ ',' if not loop.last }}
        {% endfor %}
    from months
    inner join {{ ref('int_method_errors') }} as errors
        on errors.as_of_date < months.month
        and errors.as_of_date >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('interval_history_months') ~ ' as int)', 'months.month') }}
    group by months.month, errors.elapsed_fifths
),

of_product as (
    select
        periods.account_organization_id,
        periods.product_key,
        periods.period_start,
        periods.elapsed_fifths,
        {% for method in methods -%}
        count(errors.{{ method }}_error) as {{ method }}_periods,
        sum(errors.{{ method }}_error) as {{ method }}_error{{ ',' if not loop.last }}
        {% endfor %}
    from periods
    inner join {{ ref('int_method_errors') }} as errors
        on periods.account_organization_id = errors.account_organization_id
        and periods.product_key = errors.product_key
        and periods.elapsed_fifths = errors.elapsed_fifths
        and errors.as_of_date < periods.period_start
        and errors.as_of_date >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('interval_history_months') ~ ' as int)', 'periods.period_start') }}
    group by periods.account_organization_id, periods.product_key, periods.period_start, periods.elapsed_fifths
)

select
    periods.account_organization_id,
    periods.product_key,
    periods.period_start,
    periods.elapsed_fifths,
    {% for method in methods -%}
    cast((
        coalesce({{ estimate('of_product.' ~ method ~ '_error') }}, 0)
        + prior_periods * coalesce({{ estimate('of_all.' ~ method ~ '_error') }}, default_error)
    ) / (coalesce(of_product.{{ method }}_periods, 0) + prior_periods) as decimal(12, 9)) as {{ method }}_error{{ ',' if not loop.last }}
    {% endfor %}
from periods
left join of_all
    on {{ month_of('periods.period_start') }} = of_all.month
    and periods.elapsed_fifths = of_all.elapsed_fifths
left join of_product
    on periods.account_organization_id = of_product.account_organization_id
    and periods.product_key = of_product.product_key
    and periods.period_start = of_product.period_start
    and periods.elapsed_fifths = of_product.elapsed_fifths
cross join (
    select
        {{ estimate(threshold('method_prior_periods')) }} as prior_periods,
        {{ estimate(threshold('method_default_error')) }} as default_error
) as thresholds

{#- How far each method's quantities were from those of periods that have closed, a row for each product and fifth of a
    period, with the day on which it closed. An error is a share of the closed quantity; a day counts with at most
    `method_error_max` of it, so that no odd day decides for years. The drift is how much more came than by `trend`, in
    logarithms: below zero if less came. -#}
{{ built_by_days('as_of_date') }}
{%- set methods = forecast_methods() -%}

with closed as (
    select
        quantities.account_organization_id,
        quantities.product_key,
        quantities.period_start,
        quantities.as_of_date,
        {{ estimate('quantities.expected_to_date') }} as quantity
    from {{ ref('int_quantity_methods') }} as quantities
    inner join {{ ref('int_days_to_build') }} as days
        on quantities.as_of_date >= days.first_day
        and quantities.as_of_date <= days.last_day
    where
        quantities.expected_to_date > 0
        and quantities.as_of_date = {{ dbt.dateadd('day', -1, 'quantities.period_end') }}
),

errors as (
    select
        closed.account_organization_id,
        closed.product_key,
        closed.period_start,
        closed.as_of_date,
        quantities.elapsed_fifths,
        case
            when closed.quantity > {{ estimate('quantities.expected_to_date') }} and quantities.by_trend > 0
                then greatest(least(
                    ln((closed.quantity - {{ estimate('quantities.expected_to_date') }}) / {{ estimate('quantities.by_trend') }}),
                    method_error_max), -1 * method_error_max)
        end as trend_drift,
        {% for method in methods -%}
        case
            when quantities.by_{{ method }} is not null then least(abs({{
                estimate('quantities.expected_to_date + quantities.by_' ~ method)
            }} - closed.quantity) / closed.quantity, method_error_max)
        end as {{ method }}_error{{ ',' if not loop.last }}
        {% endfor %}
    from closed
    inner join {{ ref('int_quantity_methods') }} as quantities
        on closed.account_organization_id = quantities.account_organization_id
        and closed.product_key = quantities.product_key
        and closed.period_start = quantities.period_start
        and closed.as_of_date > quantities.as_of_date
    cross join {{ thresholds_to_estimate_with(['method_error_max']) | indent(4) }} as thresholds
    where closed.as_of_date = {{ dbt.dateadd('day', -1, 'quantities.period_end') }}
)

select
    account_organization_id,
    product_key,
    period_start,
    elapsed_fifths,
    {% for method in methods -%}
    cast({{ mean_of('cast(' ~ method ~ '_error as decimal(28, 9))', 9) }} as decimal(12, 9)) as {{ method }}_error,
    {% endfor -%}
    cast({{ mean_of('cast(trend_drift as decimal(28, 9))', 9) }} as decimal(12, 9)) as trend_drift,
    as_of_date
from errors
group by account_organization_id, product_key, period_start, as_of_date, elapsed_fifths

{#- Units expected of the rest of an open period: the methods' mean, each weighted by how right it was before. A method
    counts with the sixth power of how much smaller its errors were; the level and the step, which are right for most,
    count `method_head_start` times. -#}
{%- set methods = forecast_methods() -%}
{%- set others = methods | reject('equalto', 'level') | list -%}

with weighted as (
    select
        quantities.account_organization_id,
        quantities.as_of_date,
        quantities.product_key,
        quantities.by_level,
        {% for method in methods -%}
        coalesce(quantities.by_{{ method }}, quantities.by_level) - quantities.by_level as {{ method }}_difference,
        case when quantities.by_{{ method }} is null then 0 else 1 / power({{ estimate('errors.' ~ method ~ '_error') }} + error_floor, 6) end
        {{- ' * head_start' if method in ['level', 'step'] }} as {{ method }}_weight{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_quantity_methods') }} as quantities
    inner join {{ ref('int_days_to_build') }} as days
        on quantities.as_of_date >= days.first_day
        and quantities.as_of_date <= days.last_day
    inner join {{ ref('int_method_errors_before') }} as errors
        on quantities.account_organization_id = errors.account_organization_id
        and quantities.product_key = errors.product_key
        and quantities.period_start = errors.period_start
        and quantities.elapsed_fifths = errors.elapsed_fifths
    cross join (
        select
            {{ estimate(threshold('method_head_start')) }} as head_start,
            {{ estimate(threshold('method_error_floor')) }} as error_floor
    ) as thresholds
)

select
    account_organization_id,
    as_of_date,
    product_key,
    by_level + cast(
        (
            {% for method in others -%}
            {{ method }}_weight * {{ estimate(method ~ '_difference') }}{{ ' + ' if not loop.last }}
            {%- endfor %}
        ) / (
            {% for method in methods %}{{ method }}_weight{{ ' + ' if not loop.last }}{% endfor %}
        ) as decimal(24, 6)
    ) as quantity_left
from weighted

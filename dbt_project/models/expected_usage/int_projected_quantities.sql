{#- Units expected of the rest of an open period: the mean of the methods by their weights, and what it drifts. -#}
{%- set methods = forecast_methods() -%}

with weighted as (
    select
        quantities.account_organization_id,
        quantities.as_of_date,
        quantities.product_key,
        quantities.by_level,
        weights.drift,
        (
            {% for method in methods if method != 'level' -%}
            case
                when quantities.by_{{ method }} is null then 0
                else {{ estimate('weights.' ~ method ~ '_weight') }} * {{ estimate('quantities.by_' ~ method ~ ' - quantities.by_level') }}
            end{{ ' + ' if not loop.last }}
            {%- endfor %}
        ) / (
            {% for method in methods -%}
            case when quantities.by_{{ method }} is null then 0 else {{ estimate('weights.' ~ method ~ '_weight') }} end{{ ' + ' if not loop.last }}
            {%- endfor %}
        ) as difference
    from {{ ref('int_quantity_methods') }} as quantities
    inner join {{ ref('int_days_to_build') }} as days
        on quantities.as_of_date >= days.first_day
        and quantities.as_of_date <= days.last_day
    inner join {{ ref('int_method_weights') }} as weights
        on quantities.account_organization_id = weights.account_organization_id
        and quantities.product_key = weights.product_key
        and quantities.period_start = weights.period_start
        and quantities.elapsed_fifths = weights.elapsed_fifths
)

select
    account_organization_id,
    as_of_date,
    product_key,
    by_level + cast(
        difference + ({{ estimate('by_level') }} + difference) * (exp({{ estimate('drift') }}) - 1) as decimal(24, 6)
    ) as quantity_left
from weighted

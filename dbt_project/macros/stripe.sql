{#- Tax that the amount of a Stripe object's line or note has in it, in minor units: the inclusive entries of its list of
    taxes in the old or the new shape, or, where there is no list, what its amount without tax leaves. -#}
{% macro inclusive_tax_minor(column, amount, without_tax, old_list='tax_amounts', new_list='taxes') -%}
    case
        when {{ json_text(column, new_list ~ '[0]') }} is not null
            then {{ json_array_sum(column, new_list, 'amount', where='tax_behavior', equals='inclusive') }}
        when {{ json_text(column, old_list ~ '[0]') }} is not null
            then {{ json_array_sum(column, old_list, 'amount', where='inclusive', equals='true') }}
        else coalesce(
            cast({{ json_text(column, amount) }} as bigint) - cast({{ json_text(column, without_tax) }} as bigint), 0
        )
    end
{%- endmacro %}


{#- All tax of a Stripe object's line or invoice by its list of taxes, in minor units; null where there is no list. -#}
{% macro listed_tax_minor(column, old_list='tax_amounts', new_list='taxes') -%}
    case
        when {{ json_text(column, new_list ~ '[0]') }} is not null
            then {{ json_array_sum(column, new_list, 'amount') }}
        when {{ json_text(column, old_list ~ '[0]') }} is not null
            then {{ json_array_sum(column, old_list, 'amount') }}
    end
{%- endmacro %}


{#- Months that a price is for, from the interval and its count as Stripe names them; null where it has no interval. -#}
{% macro price_months(interval, interval_count) -%}
    case {{ interval }}
        when 'year' then 12 * coalesce(cast({{ interval_count }} as bigint), 1)
        when 'month' then coalesce(cast({{ interval_count }} as bigint), 1)
        when 'week' then {{ divide_half_up('7 * 4800 * coalesce(cast(' ~ interval_count ~ ' as bigint), 1)', '146097') }}
        when 'day' then {{ divide_half_up('4800 * coalesce(cast(' ~ interval_count ~ ' as bigint), 1)', '146097') }}
    end
{%- endmacro %}

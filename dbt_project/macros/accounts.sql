{#- How much a rate a day has changed, in millionths of what it was; null where nothing was used or reported before, or
    nothing is reported now. -#}
{% macro change_millionths(quantity, days, quantity_before, days_before) -%}
    case
        when {{ quantity_before }} > 0 and {{ days }} > 0
            then {{ divide_half_up(
                '1000000000 * (' ~ quantity ~ ' * ' ~ days_before ~ ' - ' ~ quantity_before ~ ' * ' ~ days ~ ')',
                '1000 * ' ~ quantity_before ~ ' * ' ~ days
            ) }}
    end
{%- endmacro %}

{#- The day by which a customer in the onboarding queue is to be written to: so many days before its period ends, at the
    earliest the day of entry. -#}
{% macro contact_by(entered_on, period_end) -%}
    greatest(
        {{ entered_on }},
        cast({{ dbt.dateadd(
            'day', '-1 * cast(' ~ threshold('contact_days_before_renewal') ~ ' as int)', period_end
        ) }} as date)
    )
{%- endmacro %}

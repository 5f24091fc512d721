{#- Which days of the past the rest of an open period is compared with: as many as are left of it, and up to the same end,
    one and two months and four and eight weeks before. From and to are the days before the first and with the last one,
    so that a sum is a difference of sums so far; null if they are not over yet. -#}
{{ config(materialized='view') }}

{%- set cycles = [('month_1', 'month', 1), ('month_2', 'month', 2), ('weeks_4', 'week', 4), ('weeks_8', 'week', 8)] -%}

with ends as (
    select
        account_id,
        account_organization_id,
        as_of_date,
        period_start,
        period_end,
        {% for name, unit, number in cycles -%}
        cast({{ dbt.dateadd('day', -1, dbt.dateadd(unit, -number, 'period_end')) }} as date) as {{ name }}_to,
        {% endfor -%}
        period_days - day_of_period as days_left
    from {{ ref('int_account_days') }}
)

select
    account_id,
    account_organization_id,
    as_of_date,
    period_start,
    period_end,
    cast({{ dbt.dateadd('day', -1, 'period_start') }} as date) as day_before_period,
    {% for name, unit, number in cycles -%}
    case
        when {{ name }}_to <= as_of_date then cast({{ dbt.dateadd('day', '-1 * days_left', name ~ '_to') }} as date)
    end as {{ name }}_from,
    case when {{ name }}_to <= as_of_date then {{ name }}_to end as {{ name }}_to{{ ',' if not loop.last }}
    {%- endfor %}
from ends

{{ built_by_days('date') }}

{#- One select per counter, which reads one column: millions of reports are never in memory at once. The long table is
    written only here. -#}
{%- for counter in mapped_usage_counters() %}
select
    reports.organization_id,
    counters.product_key,
    cast(
        reports.{{ adapter.quote(counter) }} * cast(1.0 / counters.units_per_billed_unit as decimal(7, 6))
        as decimal(22, 6)
    ) as quantity,
    reports.date
from {{ ref('stg_usage__usage_reports') }} as reports
inner join {{ ref('int_organizations') }} as organizations
    on reports.organization_id = organizations.organization_id
inner join {{ ref('usage_counters') }} as counters
    on counters.counter = '{{ counter }}'
inner join {{ ref('int_days_to_build') }} as days
    on reports.date >= days.first_day
    and reports.date <= days.last_day
inner join {{ ref('int_data_day') }} as data_day on reports.date >= data_day.first_usage_day
where reports.{{ adapter.quote(counter) }} > 0

union all
{% endfor %}
select
    reports.organization_id,
    cast(null as {{ dbt.type_string() }}) as product_key,
    cast(null as decimal(22, 6)) as quantity,
    reports.date
from {{ ref('stg_usage__usage_reports') }} as reports
cross join {{ ref('int_organizations') }} as organizations
cross join {{ ref('usage_counters') }} as counters
cross join {{ ref('int_days_to_build') }} as days
cross join {{ ref('int_data_day') }} as data_day
where 1 = 0

{%- for counter in unmapped_usage_counters() %}
select
    '{{ counter | replace("'", "''") }}' as counter,
    cast(sum(reports.{{ adapter.quote(counter) }}) as decimal(38, 0)) as total,
    min(reports.date) as first_day,
    max(reports.date) as last_day
from {{ ref('stg_usage__usage_reports') }} as reports
cross join {{ ref('int_data_day') }} as data_day
where
    reports.{{ adapter.quote(counter) }} > 0
    and reports.date <= data_day.as_of_date
having count(*) > 0

union all
{% endfor %}
select
    counters.counter,
    cast(null as decimal(38, 0)) as total,
    cast(null as date) as first_day,
    cast(null as date) as last_day
from {{ ref('usage_counters') }} as counters
cross join {{ ref('stg_usage__usage_reports') }} as reports
cross join {{ ref('int_data_day') }} as data_day
where 1 = 0

{#- The days that the tables that are built by days have to build: from the first one that anything can have changed
    since they were built, to the data day. -#}
{{ config(post_hook='{{ start_building_days() }}') }}

with changed as (
    select
        case
            when built.first_day < inputs.first_day then built.first_day
            else coalesce(inputs.first_day, built.first_day)
        end as first_day
    from {{ ref('int_build_inputs') }} as inputs
    full join {{ built_inputs() }} as built
        on inputs.kind = built.kind
        and inputs.key = built.key
    where
        inputs.fingerprint is null
        or built.fingerprint is null
        or inputs.fingerprint <> built.fingerprint
        or inputs.first_day <> built.first_day
)

select
    {% if must_build_every_day() -%}
    cast('1900-01-01' as date) as first_day,
    {%- else -%}
    coalesce(min(changed.first_day), cast({{ dbt.dateadd('day', 1, 'data_day.as_of_date') }} as date)) as first_day,
    {%- endif %}
    data_day.as_of_date as last_day
from {{ ref('int_data_day') }} as data_day
left join changed on 1 = 1
group by data_day.as_of_date

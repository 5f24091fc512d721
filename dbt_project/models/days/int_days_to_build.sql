{#- The days that the tables that are built by days have to build: from the first one that anything can have changed
    since they were built, to the data day. Where days are asked for it is those; if what they are made of has changed,
    every day after them that is there is made of them, and built again too. -#}
{{ config(post_hook='{{ start_building_days() }}') }}
{%- set asked = asked_days() %}

with looked_at as (
    {{ days_looked_at() }}
),

built as (
    select built.kind, built.key, built.first_day, built.fingerprint
    from {{ built_inputs() }} as built
    inner join looked_at on built.first_day >= looked_at.first_day and built.first_day <= looked_at.last_day
),

changed as (
    select
        case
            when built.first_day < inputs.first_day then built.first_day
            else coalesce(inputs.first_day, built.first_day)
        end as first_day
    from {{ ref('int_build_inputs') }} as inputs
    full join built
        on inputs.kind = built.kind
        and inputs.key = built.key
    where
        inputs.fingerprint is null
        or built.fingerprint is null
        or inputs.fingerprint <> built.fingerprint
        or inputs.first_day <> built.first_day
),

first_change as (
    select min(first_day) as day
    from changed
),

last_built as (
    select max(first_day) as day
    from {{ built_inputs() }}
    where kind = 'usage'
)

select
    {% if must_build_every_day() -%}
    cast('1900-01-01' as date) as first_day,
    {%- elif asked -%}
    looked_at.first_day,
    {%- else -%}
    coalesce(first_change.day, cast({{ dbt.dateadd('day', 1, 'data_day.as_of_date') }} as date)) as first_day,
    {%- endif %}
    {% if asked -%}
    case
        when cast('{{ asked.last_day }}' as date) > data_day.as_of_date
            then cast({{ raise_error(
                "'Days up to " ~ asked.last_day ~ " are asked for, but the data day is ' || cast(data_day.as_of_date as "
                ~ dbt.type_string() ~ ") || ': ask for days up to that one, or load the reports that are missing.'"
            ) }} as date)
        when first_change.day is not null and last_built.day > looked_at.last_day
            then least(last_built.day, data_day.as_of_date)
        else looked_at.last_day
    end as last_day
    {%- else -%}
    data_day.as_of_date as last_day
    {%- endif %}
from {{ ref('int_data_day') }} as data_day
cross join looked_at
cross join first_change
cross join last_built

{#- The only place that knows which day the project looks at: GROWTH_AS_OF, else the newest complete day of usage. -#}
{%- set requested_day = env_var('GROWTH_AS_OF', '') -%}
{%- set requested = "cast('" ~ requested_day ~ "' as date)" if requested_day else 'cast(null as date)' -%}

with stretches as (
    select
        stretch_number,
        min(date) as first_usage_day,
        min(case when is_complete then date end) as first_complete_day,
        max(case when is_complete then date end) as last_complete_day,
        max(case when is_complete and date = {{ requested }} then date end) as requested_day,
        row_number() over (
            order by
                max(reports_of_stretch) desc,
                max(case when date = {{ requested }} then 1 else 0 end) desc,
                stretch_number
        ) as stretch_rank
    from {{ ref('int_usage_days') }}
    group by stretch_number
),

chosen as (
    {#- One row even without usage, so that the error below is raised. -#}
    select
        max(stretch_number) as stretch_number,
        max(first_usage_day) as first_usage_day,
        max(first_complete_day) as first_complete_day,
        max(last_complete_day) as last_complete_day,
        max({{ 'requested_day' if requested_day else 'last_complete_day' }}) as as_of_date
    from stretches
    where stretch_rank = 1
),

checked as (
    select
        case
            when last_complete_day is null
                then {{ raise_error(
                    "'No day of usage is complete: of none was a report received after its midnight.'"
                ) }}
            when as_of_date is null
                then {{ raise_error(
                    "'GROWTH_AS_OF is " ~ requested_day ~ ", which is no complete day of usage: the first one is '"
                    ~ " || cast(first_complete_day as " ~ dbt.type_string() ~ ") || ' and the last one '"
                    ~ " || cast(last_complete_day as " ~ dbt.type_string() ~ ") || '. Ask for a complete day between them, or load"
                    ~ " the reports that are missing.'"
                ) }}
            else 'complete'
        end as state,
        as_of_date,
        first_usage_day,
        stretch_number
    from chosen
)

select
    as_of_date,
    cast({{ dbt.dateadd('day', 1, 'as_of_date') }} as timestamp) as as_of_ts,
    {{ last_closed_month('as_of_date') }} as last_closed_month,
    first_usage_day,
    stretch_number
from checked
where state = 'complete'

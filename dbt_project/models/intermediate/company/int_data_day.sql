{#- The only place that knows which day the project looks at: GROWTH_AS_OF, else the newest complete day of usage. -#}
{%- set requested_day = env_var('GROWTH_AS_OF', '') -%}

with newest as (
    select max(date) as complete_day
    from {{ ref('stg_usage__usage_reports') }}
    where received_at >= {{ dbt.dateadd('day', 1, 'date') }}
),

chosen as (
    select
        complete_day,
        {% if requested_day -%}
        cast('{{ requested_day }}' as date)
        {%- else -%}
        complete_day
        {%- endif %} as as_of_date
    from newest
),

checked as (
    select
        case
            when complete_day is null
                then {{ raise_error("'No day of usage is complete: of none was a report received after its midnight.'") }}
            when as_of_date > complete_day
                then {{ raise_error(
                    "'GROWTH_AS_OF is ' || cast(as_of_date as varchar(10)) || ', but the newest complete day of usage is '"
                    ~ " || cast(complete_day as varchar(10)) || ': ask for that day or an earlier one, or load the reports"
                    ~ " that are missing.'"
                ) }}
            else 'complete'
        end as state,
        as_of_date,
        {{ month_of('as_of_date') }} as month
    from chosen
)

select
    as_of_date,
    cast({{ dbt.dateadd('day', 1, 'as_of_date') }} as timestamp) as as_of_ts,
    cast(
        case
            when as_of_date = {{ month_end('month') }} then month
            else {{ dbt.dateadd('month', -1, 'month') }}
        end as date
    ) as last_closed_month
from checked
where state = 'complete'

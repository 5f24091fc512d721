{#- A percentile counts those without an answer with their wait so far: it is then at least that long. -#}
with ranked as (
    select
        *,
        row_number() over (
            partition by list_name, role
            order by waited_minutes, reason, customer_id, known_at
        ) as place,
        count(*) over (partition by list_name, role) as entries
    from {{ ref('fct_responses') }}
    where outcome <> 'unknown'
),

known as (
    select
        list_name,
        role,
        count(*) as entries,
        sum(case when outcome = 'answered' then 1 else 0 end) as answered,
        sum(case when outcome = 'waiting' then 1 else 0 end) as waiting,
        sum(case when outcome = 'ended_unanswered' then 1 else 0 end) as ended_unanswered,
        min(case when 100 * place >= 50 * entries then waited_minutes end) as p50_minutes,
        min(case when 100 * place >= 90 * entries then waited_minutes end) as p90_minutes,
        min(case when outcome = 'waiting' then known_at end) as waiting_since_at
    from ranked
    group by list_name, role
),

all_entries as (
    select
        list_name,
        role,
        as_of_date,
        count(*) as entries
    from {{ ref('fct_responses') }}
    group by list_name, role, as_of_date
)

select
    all_entries.list_name,
    all_entries.role,
    cast(all_entries.entries as int) as entries,
    cast(known.answered as int) as answered,
    cast(known.waiting as int) as waiting,
    cast(known.ended_unanswered as int) as ended_unanswered,
    cast(known.p50_minutes * cast(0.0166666667 as decimal(12, 10)) as decimal(12, 1)) as p50_hours,
    cast(known.p90_minutes * cast(0.0166666667 as decimal(12, 10)) as decimal(12, 1)) as p90_hours,
    cast(known.waiting_since_at as date) as waiting_since,
    all_entries.as_of_date
from all_entries
left join known
    on all_entries.list_name = known.list_name
    and all_entries.role = known.role

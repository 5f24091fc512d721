{#- What is said today comes from the table that readers know, not from the lines that are compared: what no cause explains
    shows. -#}
with closed as (
    select lines.month, max(lines.closed_as_of) as closed_as_of, sum(lines.mrr_usd) as closed_mrr_usd
    from {{ ref('stg_closed_months__mrr_lines') }} as lines
    inner join {{ ref('int_data_day') }} as data_day on lines.closed_as_of <= data_day.as_of_date
    group by lines.month
),

said_now as (
    select month, sum(mrr_usd_month) as mrr_usd
    from {{ ref('fct_mrr_monthly') }}
    group by month
),

explained as (
    select month, sum(difference_usd) as explained_usd
    from {{ ref('int_closed_line_differences') }}
    group by month
)

select
    closed.month,
    closed.closed_as_of,
    {{ usd('closed.closed_mrr_usd') }} as closed_mrr_usd,
    {{ usd('coalesce(said_now.mrr_usd, 0)') }} as mrr_usd_month,
    {{ usd('coalesce(said_now.mrr_usd, 0) - closed.closed_mrr_usd') }} as difference_usd,
    {{ usd('coalesce(explained.explained_usd, 0)') }} as explained_usd,
    {{ usd('coalesce(said_now.mrr_usd, 0) - closed.closed_mrr_usd - coalesce(explained.explained_usd, 0)') }} as unexplained_usd,
    data_day.as_of_date
from closed
cross join {{ ref('int_data_day') }} as data_day
left join said_now on closed.month = said_now.month
left join explained on closed.month = explained.month

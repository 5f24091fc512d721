{#- A line is the bound of another rule, and takes its amount from where that rule does. -#}
with listed as (
    select 'thresholds' as listed_in, name as listed_as, value as line_usd
    from {{ ref('thresholds') }}

    union all

    select 'size_tiers' as listed_in, tier as listed_as, arr_from_usd_year as line_usd
    from {{ ref('size_tiers') }}

    union all

    select 'arr_mix_targets' as listed_in, band as listed_as, arr_from_usd_year as line_usd
    from {{ ref('arr_mix_targets') }}
)

select
    lines.line,
    lines.period,
    {{ usd('listed.line_usd') }} as line_usd,
    {{ usd("case when lines.period = 'year' then listed.line_usd else 12 * listed.line_usd end") }} as line_usd_year
from {{ ref('revenue_lines') }} as lines
left join listed
    on lines.listed_in = listed.listed_in
    and lines.listed_as = listed.listed_as

{{ config(materialized='view') }}

{#- What follows from MRR changes on the day on which its month is closed. Everybody starts without ARR. A customer's
    segment is that of its canonical organization. -#}
with segments as (
    select
        organization_id as customer_id,
        valid_from as day,
        icp_segment as state,
        lag(icp_segment) over (partition by organization_id order by valid_from) as state_before
    from {{ ref('fct_organization_segments') }}
),

months as (
    select
        customer_id,
        month,
        arr_usd_year,
        case when arr_usd_year > 0 then arr_usd_year else 0 end as ranked_usd_year
    from {{ ref('fct_mrr_monthly') }}
),

scales as (
    select 'size_tier' as attribute, tier as state, arr_from_usd_year, arr_below_usd_year
    from {{ ref('int_size_tiers') }}

    union all

    select 'arr_mix_band', band, arr_from_usd_year, arr_below_usd_year
    from {{ ref('int_arr_mix_bands') }}
),

standing as (
    select months.customer_id, months.month, months.arr_usd_year, scales.attribute, scales.state
    from months
    inner join scales
        on months.ranked_usd_year >= scales.arr_from_usd_year
        and months.ranked_usd_year < scales.arr_below_usd_year
),

lowest as (
    select attribute, state
    from scales
    where arr_from_usd_year = 0
),

changes as (
    select
        standing.customer_id,
        standing.month,
        standing.arr_usd_year,
        standing.attribute,
        standing.state,
        coalesce(
            lag(standing.state) over (partition by standing.customer_id, standing.attribute order by standing.month),
            lowest.state
        ) as state_before
    from standing
    inner join lowest on standing.attribute = lowest.attribute
)

select
    segments.customer_id,
    segments.day,
    'segment_changed' as kind,
    'icp_segment' as subject,
    {{ dbt.concat(['segments.state_before', "' to '", 'segments.state']) }} as what,
    cast(null as decimal(24, 4)) as figure,
    cast(null as {{ dbt.type_string() }}) as unit,
    'fct_organization_segments' as source_table
from segments
inner join {{ ref('int_customer_standing') }} as customers on segments.customer_id = customers.customer_id
where segments.state <> segments.state_before

union all

select
    customer_id,
    {{ month_closes_on('month') }},
    case attribute when 'size_tier' then 'tier_changed' else 'band_changed' end,
    attribute,
    {{ dbt.concat(['state_before', "' to '", 'state']) }},
    cast(arr_usd_year as decimal(24, 4)),
    'USD a year',
    'fct_mrr_monthly'
from changes
where state <> state_before

union all

select
    customer_id,
    {{ month_closes_on('month') }},
    'mrr_moved',
    cast(month as {{ dbt.type_string() }}),
    movement,
    cast(delta_usd_month as decimal(24, 4)),
    'USD a month',
    'fct_mrr_movements'
from {{ ref('fct_mrr_movements') }}

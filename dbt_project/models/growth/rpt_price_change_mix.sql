{#- Customers that the candidate does not reprice keep their MRR; one that paid nothing may pay by it. Both simulations
    draw the same numbers, so that their difference is what prices do. -#}
with changes as (
    select repriced.customer_id, sum(repriced.mrr_change_usd) as mrr_change_usd
    from {{ ref('int_repriced_mrr') }} as repriced
    inner join {{ ref('int_data_day') }} as data_day on repriced.month = data_day.last_closed_month
    group by repriced.customer_id
),

months as (
    select months.customer_id, months.mrr_usd_month
    from {{ ref('fct_mrr_monthly') }} as months
    inner join {{ ref('int_data_day') }} as data_day on months.month = data_day.last_closed_month
),

customers as (
    select
        {{ arr_usd_year('coalesce(months.mrr_usd_month, 0)') }} as arr_usd_year,
        {{ arr_usd_year('coalesce(months.mrr_usd_month, 0) + coalesce(changes.mrr_change_usd, 0)') }} as candidate_arr_usd_year
    from months
    full join changes on months.customer_id = changes.customer_id
),

counted as (
    {% for column in ['arr_usd_year', 'candidate_arr_usd_year'] -%}
    select
        '{{ column }}' as counted_by,
        bands.band,
        bands.target_customers,
        sum(case when customers.{{ column }} > 0 then 1 else 0 end) as customers,
        sum(customers.{{ column }}) as arr_usd
    from customers
    inner join {{ ref('int_arr_mix_bands') }} as bands
        on greatest(customers.{{ column }}, 0) >= bands.arr_from_usd_year
        and greatest(customers.{{ column }}, 0) < bands.arr_below_usd_year
    group by bands.band, bands.target_customers
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}
),

with_mix as (
    select counted_by, band, customers, arr_usd
    from counted

    union all

    select counted_by, 'mix' as band, sum(customers) as customers, sum(arr_usd) as arr_usd
    from counted
    where target_customers > 0
    group by counted_by
),

figures as (
    select
        band,
        sum(case when counted_by = 'arr_usd_year' then customers end) as customers,
        sum(case when counted_by = 'arr_usd_year' then arr_usd end) as arr_usd,
        sum(case when counted_by = 'candidate_arr_usd_year' then customers end) as candidate_customers,
        sum(case when counted_by = 'candidate_arr_usd_year' then arr_usd end) as candidate_arr_usd
    from with_mix
    group by band
),

probabilities as (
    select
        simulation.band,
        max(case when simulation.prices = 'as_billed' then simulation.share_met end) as share_met,
        max(case when simulation.prices = 'candidate' then simulation.share_met end) as candidate_share_met
    from {{ ref('int_arr_mix_simulation') }} as simulation
    inner join {{ ref('int_arr_mix_goals') }} as goals
        on simulation.band = goals.band
        and goals.target_customers > 0
    inner join {{ ref('int_data_day') }} as data_day on simulation.as_of_month = data_day.last_closed_month
    where cast({{ dbt.dateadd('month', 'simulation.months_ahead', 'simulation.as_of_month') }} as date) = goals.target_month
    group by simulation.band
)

select
    goals.band,
    goals.target_customers,
    cast(coalesce(figures.customers, 0) as int) as customers,
    cast(coalesce(figures.candidate_customers, 0) as int) as candidate_customers,
    {{ usd('coalesce(figures.arr_usd, 0)') }} as arr_usd,
    {{ usd('coalesce(figures.candidate_arr_usd, 0)') }} as candidate_arr_usd,
    cast(probabilities.share_met as decimal(5, 4)) as probability_in_time,
    cast(probabilities.candidate_share_met as decimal(5, 4)) as candidate_probability_in_time,
    data_day.as_of_date
from {{ ref('int_arr_mix_goals') }} as goals
cross join {{ ref('int_data_day') }} as data_day
left join figures on goals.band = figures.band
left join probabilities on goals.band = probabilities.band
where exists (select 1 from {{ ref('int_repriced_mrr') }})

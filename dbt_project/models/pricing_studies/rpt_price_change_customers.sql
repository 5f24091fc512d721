{#- Customers do not change what they use: this is what prices alone would do. -#}
with window_months as (
    select
        last_closed_month,
        as_of_date,
        {{ dbt.dateadd(
            'month', '1 - cast(' ~ threshold('strategy_window_months') ~ ' as int)', 'last_closed_month'
        ) }} as first_month
    from {{ ref('int_data_day') }}
),

bills as (
    select
        repriced.customer_id,
        sum(repriced.rated_usd) as rated_usd,
        sum(repriced.candidate_usd) as candidate_usd,
        sum(repriced.mrr_change_usd) as mrr_change_usd,
        sum(
            case when repriced.month = window_months.last_closed_month then repriced.mrr_change_usd else 0 end
        ) as last_mrr_change_usd
    from {{ ref('int_repriced_mrr') }} as repriced
    cross join window_months
    where repriced.month >= window_months.first_month
    group by repriced.customer_id
),

customers as (
    select
        customers.customer_id,
        customers.customer_name,
        customers.icp_segment,
        customers.size_tier,
        customers.arr_mix_band,
        bills.rated_usd,
        bills.candidate_usd,
        bills.mrr_change_usd,
        customers.mrr_usd_month,
        customers.mrr_usd_month + bills.last_mrr_change_usd as candidate_mrr_usd_month,
        customers.arr_usd_year,
        {{ arr_usd_year('customers.mrr_usd_month + bills.last_mrr_change_usd') }} as candidate_arr_usd_year
    from bills
    inner join {{ ref('int_repriced_customers') }} as customers on bills.customer_id = customers.customer_id
),

crossed as (
    select
        customers.customer_id,
        cast(count(*) as int) as lines_crossed,
        max(case when lines.line_usd_year > customers.arr_usd_year then 1 else 0 end) as is_up,
        max(lines.line_usd_year) as highest_usd_year,
        min(lines.line_usd_year) as lowest_usd_year
    from customers
    inner join {{ ref('int_revenue_lines') }} as lines
        on (customers.arr_usd_year < lines.line_usd_year and customers.candidate_arr_usd_year >= lines.line_usd_year)
        or (customers.arr_usd_year >= lines.line_usd_year and customers.candidate_arr_usd_year < lines.line_usd_year)
    group by customers.customer_id
)

select
    customers.customer_id,
    customers.customer_name,
    customers.icp_segment,
    customers.size_tier,
    tiers.tier as candidate_size_tier,
    customers.arr_mix_band,
    bands.band as candidate_arr_mix_band,
    {{ usd('customers.rated_usd') }} as rated_usd,
    {{ usd('customers.candidate_usd') }} as candidate_usd,
    {{ usd('customers.candidate_usd - customers.rated_usd') }} as change_usd,
    {{ ratio('(customers.candidate_usd - customers.rated_usd)', 'nullif(customers.rated_usd, 0)') }} as change_share,
    {{ usd('customers.mrr_change_usd') }} as mrr_change_usd,
    customers.mrr_usd_month,
    {{ usd('customers.candidate_mrr_usd_month') }} as candidate_mrr_usd_month,
    customers.arr_usd_year,
    customers.candidate_arr_usd_year,
    coalesce(crossed.lines_crossed, 0) as lines_crossed,
    case crossed.is_up when 1 then 'up' when 0 then 'down' end as direction,
    lines.line as furthest_line,
    window_months.as_of_date
from customers
cross join window_months
inner join {{ ref('int_size_tiers') }} as tiers
    on greatest(customers.candidate_arr_usd_year, 0) >= tiers.arr_from_usd_year
    and greatest(customers.candidate_arr_usd_year, 0) < tiers.arr_below_usd_year
inner join {{ ref('int_arr_mix_bands') }} as bands
    on greatest(customers.candidate_arr_usd_year, 0) >= bands.arr_from_usd_year
    and greatest(customers.candidate_arr_usd_year, 0) < bands.arr_below_usd_year
left join crossed on customers.customer_id = crossed.customer_id
left join (select line_usd_year, min(line) as line from {{ ref('int_revenue_lines') }} group by line_usd_year) as lines
    on lines.line_usd_year = case crossed.is_up when 1 then crossed.highest_usd_year else crossed.lowest_usd_year end

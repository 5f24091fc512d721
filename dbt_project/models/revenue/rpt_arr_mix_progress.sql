{#- One row per closed month and for the data day, and band. A customer counts from an ARR above 0. -#}
with customers as (
    select
        month,
        customer_id,
        arr_usd_year,
        case when arr_usd_year > 0 then arr_usd_year else 0 end as banded_usd_year
    from {{ ref('fct_mrr_monthly') }}
),

banded as (
    select
        customers.month,
        bands.band,
        sum(case when customers.arr_usd_year > 0 then 1 else 0 end) as customers,
        sum(customers.arr_usd_year) as arr_usd,
        sum(
            case
                when customers.banded_usd_year > bands.price_usd_year then bands.price_usd_year
                else customers.banded_usd_year
            end
        ) as capped_arr_usd
    from customers
    inner join {{ ref('int_arr_mix_bands') }} as bands
        on customers.banded_usd_year >= bands.arr_from_usd_year
        and customers.banded_usd_year < bands.arr_below_usd_year
    group by customers.month, bands.band
),

months as (
    select months.month, bands.band, coalesce(banded.customers, 0) as customers
    from (select distinct month from customers) as months
    cross join {{ ref('int_arr_mix_bands') }} as bands
    left join banded
        on months.month = banded.month
        and bands.band = banded.band
),

dates as (
    select month, {{ month_end('month') }} as as_of
    from months

    union

    select last_closed_month as month, as_of_date as as_of
    from {{ ref('int_data_day') }}
),

bands_by_date as (
    select
        dates.as_of,
        bands.band,
        bands.target_customers,
        bands.target_customers * bands.price_usd_year as target_arr_usd,
        coalesce(banded.customers, 0) as customers,
        coalesce(banded.arr_usd, 0) as arr_usd,
        coalesce(banded.capped_arr_usd, 0) as capped_arr_usd,
        {{ dbt.datediff('dates.month', 'bands.target_date', 'month') }} as months_left,
        earlier.customers as earlier_customers,
        cast({{ threshold('pace_months') }} as int) as pace_months
    from dates
    cross join {{ ref('int_arr_mix_bands') }} as bands
    left join banded
        on dates.month = banded.month
        and bands.band = banded.band
    left join months as earlier
        on bands.band = earlier.band
        and earlier.month = {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('pace_months') ~ ' as int)', 'dates.month') }}
)

select
    as_of,
    band,
    target_customers,
    cast(customers as int) as customers,
    {{ usd('target_arr_usd') }} as target_arr_usd,
    {{ usd('arr_usd') }} as arr_usd,
    {{ usd('capped_arr_usd') }} as capped_arr_usd,
    cast(
        case
            when customers >= target_customers then 0
            when months_left > 0
                then {{ divide_half_up('100 * (target_customers - customers)', 'months_left') }} * 0.01
        end as decimal(22, 2)
    ) as customers_needed_per_month,
    cast(
        {{ divide_half_up('100 * (customers - earlier_customers)', 'pace_months') }} * 0.01 as decimal(22, 2)
    ) as customers_added_per_month,
    {{ ratio('capped_arr_usd', 'target_arr_usd') }} as progress
from bands_by_date

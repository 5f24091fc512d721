{#- Between two bounds of either list both prices are straight lines: where ours comes to lie above is computed, not searched.
    At the same price we are no dearer. -#}
{%- set scale = '10000000000' -%}

with stretches as (
    select
        theirs.competitor,
        theirs.product_key,
        greatest(ours.units_from, theirs.units_from) as units_from,
        least(ours.units_to, theirs.units_to) as units_to,
        ours.list_usd_before + ours.unit_price_usd * (greatest(ours.units_from, theirs.units_from) - ours.units_from)
        - theirs.list_usd_before
        - theirs.unit_price_usd * (greatest(ours.units_from, theirs.units_from) - theirs.units_from) as difference_usd,
        ours.unit_price_usd - theirs.unit_price_usd as slope_usd
    from {{ ref('int_competitor_tiers') }} as theirs
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('int_price_tiers') }} as ours
        on theirs.product_key = ours.product_key
        and ours.valid_from <= {{ month_end('data_day.last_closed_month') }}
        and ours.valid_to > {{ month_end('data_day.last_closed_month') }}
        and theirs.units_from < ours.units_to
        and ours.units_from < theirs.units_to
),

dearer as (
    select
        competitor,
        product_key,
        units_to,
        units_from + case
            when difference_usd + slope_usd > 0 then 1
            when slope_usd > 0
                then {{ divide_cut(
                    'cast(-1 * difference_usd * ' ~ scale ~ ' as decimal(38, 0))',
                    'cast(slope_usd * ' ~ scale ~ ' as decimal(38, 0))'
                ) }} + 1
        end as units
    from stretches
),

first_dearer as (
    select competitor, product_key, min(units) as units
    from dearer
    where units <= units_to
    group by competitor, product_key
),

customers as (
    select
        competitor,
        product_key,
        count(*) as customers,
        sum(case when our_list_usd <= competitor_list_usd then 1 else 0 end) as customers_cheapest,
        sum(case when our_list_usd > competitor_list_usd then 1 else 0 end) as customers_dearer,
        sum(case when our_list_usd is null or competitor_list_usd is null then 1 else 0 end) as customers_unknown,
        sum(quantity) as units,
        sum(case when our_list_usd <= competitor_list_usd then quantity else 0 end) as units_cheapest,
        sum(case when our_list_usd > competitor_list_usd then our_list_usd - competitor_list_usd else 0 end) as dearer_by_usd
    from {{ ref('int_price_comparisons') }}
    group by competitor, product_key
),

lists as (
    select competitor, product_key, min(source) as source, min(read_on) as read_on
    from {{ ref('int_competitor_tiers') }}
    group by competitor, product_key
)

select
    lists.product_key,
    lists.competitor,
    cast(coalesce(customers.customers, 0) as int) as customers,
    cast(coalesce(customers.customers_cheapest, 0) as int) as customers_cheapest,
    cast(coalesce(customers.customers_dearer, 0) as int) as customers_dearer,
    cast(coalesce(customers.customers_unknown, 0) as int) as customers_unknown,
    {{ ratio('customers.customers_cheapest', '(customers.customers - customers.customers_unknown)') }} as customers_cheapest_share,
    cast(coalesce(customers.units, 0) as decimal(38, 6)) as units,
    cast(coalesce(customers.units_cheapest, 0) as decimal(38, 6)) as units_cheapest,
    {{ usd('coalesce(customers.dearer_by_usd, 0)') }} as dearer_by_usd,
    cast(first_dearer.units as decimal(24, 6)) as dearer_from_units,
    lists.source,
    lists.read_on,
    cast({{ dbt.datediff('lists.read_on', 'data_day.as_of_date', 'day') }} as int) as days_old,
    {{ dbt.datediff('lists.read_on', 'data_day.as_of_date', 'day') }} > {{ threshold('competitor_price_max_age_days') }} as is_stale,
    data_day.as_of_date
from lists
cross join {{ ref('int_data_day') }} as data_day
left join customers
    on lists.competitor = customers.competitor
    and lists.product_key = customers.product_key
left join first_dearer
    on lists.competitor = first_dearer.competitor
    and lists.product_key = first_dearer.product_key

{#- What is to be reached by band and, in all bands in one month, by the whole mix. A target that is to be met by a day is
    met by the last month that has closed on it. -#}
with goals as (
    select band, target_customers, target_customers * price_usd_year as target_arr_usd, target_date
    from {{ ref('int_arr_mix_bands') }}

    union all

    select
        'mix' as band,
        sum(target_customers) as target_customers,
        sum(target_customers * price_usd_year) as target_arr_usd,
        max(target_date) as target_date
    from {{ ref('int_arr_mix_bands') }}
)

select
    band,
    cast(target_customers as int) as target_customers,
    {{ usd('target_arr_usd') }} as target_arr_usd,
    cast(
        {{ dbt.dateadd('month', -1, month_of(dbt.dateadd('day', 1, 'target_date'))) }} as date
    ) as target_month
from goals

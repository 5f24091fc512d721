{#- A fee that covers several months is cut into them as MRR is. -#}
{%- set most_slices = 1200 -%}

with numbers as (
    select cast(generated_number as int) as slice_number
    from ({{ dbt.generate_series(most_slices) | indent(4) }}) as series
),

slices as (
    select bills.*, numbers.slice_number
    from {{ ref('int_repriced_bills') }} as bills
    inner join numbers on bills.slices >= numbers.slice_number
),

dated as (
    select
        customer_id,
        product_key,
        currency,
        {{ month_of(last_instant(
            'case when slice_number < slices then '
            ~ dbt.dateadd('month', 'slice_number', 'period_start_on')
            ~ ' else period_end_on end'
        )) }} as month,
        {{ month_slice('invoiced_minor') }} as invoiced_minor,
        {{ month_slice('rated_minor') }} as rated_minor,
        {{ month_slice('candidate_minor') }} as candidate_minor,
        {{ month_slice('mrr_change_minor') }} as mrr_change_minor
    from slices
),

converted as (
    select dated.*, {{ usd_per_minor_unit('dated.currency', 'rates') }} as usd_per_minor_unit
    from dated
    left join {{ ref('int_exchange_rates') }} as rates
        on dated.month = rates.month
        and dated.currency = rates.currency
)

select
    converted.customer_id,
    converted.month,
    converted.product_key,
    {{ usd('sum(' ~ round_half_up('converted.invoiced_minor * converted.usd_per_minor_unit') ~ ')') }} as invoiced_usd,
    {{ usd('sum(' ~ round_half_up('converted.rated_minor * converted.usd_per_minor_unit') ~ ')') }} as rated_usd,
    {{ usd('sum(' ~ round_half_up('converted.candidate_minor * converted.usd_per_minor_unit') ~ ')') }} as candidate_usd,
    {{ usd('sum(' ~ round_half_up('converted.mrr_change_minor * converted.usd_per_minor_unit') ~ ')') }} as mrr_change_usd
from converted
cross join {{ ref('int_data_day') }} as data_day
where converted.month <= data_day.last_closed_month and converted.usd_per_minor_unit is not null
group by converted.customer_id, converted.month, converted.product_key

{#- A fee that covers several months is cut into them as MRR is. -#}
with slices as (
    {{ in_month_slices(ref('int_repriced_bills')) | indent }}
),

dated as (
    select
        customer_id,
        product_key,
        currency,
        {{ month_of(last_instant(
            'case when slice_number < slices then '
            ~ dbt.dateadd('month', 'slice_number', 'period_start_on')
            ~ ' when period_end_on > period_start_on then period_end_on else '
            ~ dbt.dateadd('second', 1, 'cast(period_start_on as timestamp)') ~ ' end'
        )) }} as month,
        {% for amount in ['invoiced', 'rated', 'candidate', 'mrr_change'] -%}
        {{ month_slice(amount ~ '_minor') }} as {{ amount }}_minor{{ ',' if not loop.last }}
        {% endfor %}
    from slices
),

converted as (
    {{ with_exchange_rate('dated') | indent }}
)

select
    converted.customer_id,
    converted.month,
    converted.product_key,
    {% for amount in ['invoiced', 'rated', 'candidate', 'mrr_change'] -%}
    {{ usd('sum(' ~ round_half_up('converted.' ~ amount ~ '_minor * converted.usd_per_minor_unit') ~ ')') }} as {{ amount }}_usd
    {{- ',' if not loop.last }}
    {% endfor %}
from converted
cross join {{ ref('int_data_day') }} as data_day
where converted.month <= data_day.last_closed_month and converted.usd_per_minor_unit is not null
group by converted.customer_id, converted.month, converted.product_key

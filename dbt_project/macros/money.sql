{#- Half up (away from zero), on decimals: no amount of money passes through a float. -#}
{% macro round_half_up(amount, places=2) -%}
    cast(round({{ amount }}, {{ places }}) as decimal(22, {{ places }}))
{%- endmacro %}


{% macro usd(amount) -%}
    cast({{ amount }} as decimal(22, 2))
{%- endmacro %}


{#- What a minor unit of a currency is worth: of dollars a cent in every month, of others by the row of
    `int_exchange_rates` that is joined as `rates`, and null without one. -#}
{% macro usd_per_minor_unit(currency, rates) -%}
    case when {{ currency }} = 'usd' then cast(0.01 as decimal(24, 14)) else {{ rates }}.usd_per_minor_unit end
{%- endmacro %}


{#- An amount in dollars in the minor units of a currency, half up; null without a rate. -#}
{% macro usd_to_minor(amount_usd, usd_per_minor_unit) -%}
    {{ divide_half_up(
        'cast(' ~ amount_usd ~ ' * 100 as decimal(20, 0)) * 1000000000000',
        'cast(' ~ usd_per_minor_unit ~ ' * 100000000000000 as decimal(38, 0))',
        'decimal(38, 0)'
    ) }}
{%- endmacro %}


{#- Annual recurring revenue: twelve times the monthly one. -#}
{% macro arr_usd_year(mrr_usd_month) -%}
    {{ usd('12 * cast(' ~ mrr_usd_month ~ ' as decimal(22, 2))') }}
{%- endmacro %}


{#- Integers divided, cut towards zero (10 / 3 is 3, -10 / 3 is -3), null where the denominator is 0. Decimals are not
    divided at all: DuckDB does that in floats. -#}
{% macro divide_cut(numerator, denominator, type='bigint') -%}
    {{ return(adapter.dispatch('divide_cut', 'growth')(numerator, denominator, type)) }}
{%- endmacro %}


{#- Integers divided and rounded half up (away from zero), by a denominator above 0. -#}
{% macro divide_half_up(numerator, denominator, type='bigint') -%}
    {{ divide_cut(
        '2 * cast(' ~ numerator ~ ' as decimal(38, 0)) + case when (' ~ numerator ~ ') < 0 then -1 else 1 end * (' ~ denominator ~ ')',
        '2 * (' ~ denominator ~ ')',
        type
    ) }}
{%- endmacro %}


{#- Rows of a relation that has `slices`, once for each of them, with its `slice_number`: as many as a period may have that
    lies within the hundred years that the input contract has. -#}
{% macro in_month_slices(relation) -%}
    select
        sliced.*,
        numbers.slice_number
    from {{ relation }} as sliced
    inner join (
        select cast(generated_number as int) as slice_number
        from ({{ dbt.generate_series(1200) }}) as series
    ) as numbers on sliced.slices >= numbers.slice_number
{%- endmacro %}


{#- Rows of a relation that has `month` and `currency`, each with `usd_per_minor_unit`; null without a rate. -#}
{% macro with_exchange_rate(relation) -%}
    select
        amounts.*,
        {{ usd_per_minor_unit('amounts.currency', 'rates') }} as usd_per_minor_unit
    from {{ relation }} as amounts
    left join {{ ref('int_exchange_rates') }} as rates
        on amounts.month = rates.month
        and amounts.currency = rates.currency
{%- endmacro %}


{#- One of `slices` equal parts of an amount in minor units; the last part has what is left over. -#}
{% macro month_slice(amount_minor) -%}
    case
        when slice_number < slices then {{ divide_cut(amount_minor, 'slices') }}
        else {{ amount_minor }} - (slices - 1) * {{ divide_cut(amount_minor, 'slices') }}
    end
{%- endmacro %}


{#- One amount as a share of another, half up to four decimals, null where that is 0. -#}
{% macro ratio(part, whole) -%}
    cast(
        {{ divide_half_up(
            'cast(' ~ part ~ ' * 1000000 as decimal(38, 0))', 'cast(' ~ whole ~ ' * 100 as decimal(38, 0))',
            'decimal(28, 0)'
        ) }} * 0.0001 as decimal(24, 4)
    )
{%- endmacro %}

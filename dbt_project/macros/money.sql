{#- Half up (away from zero), on decimals: no amount of money passes through a float. -#}
{% macro round_half_up(amount, places=2) -%}
    cast(round({{ amount }}, {{ places }}) as decimal(18, {{ places }}))
{%- endmacro %}


{% macro usd(amount) -%}
    cast({{ amount }} as decimal(18, 2))
{%- endmacro %}


{#- Integer division, cut towards zero: 10 / 3 is 3, -10 / 3 is -3. -#}
{% macro divide_cut(numerator, denominator) -%}
    {{ return(adapter.dispatch('divide_cut', 'growth')(numerator, denominator)) }}
{%- endmacro %}

{% macro duckdb__divide_cut(numerator, denominator) -%}
    (({{ numerator }}) // ({{ denominator }}))
{%- endmacro %}


{#- Integers divided and rounded half up (away from zero); a denominator above 0. DuckDB divides decimals as
    floats, so what is divided here are integers. -#}
{% macro divide_half_up(numerator, denominator) -%}
    cast(
        {{ divide_cut(
            '2 * abs(' ~ numerator ~ ') + (' ~ denominator ~ ')',
            '2 * (' ~ denominator ~ ')'
        ) }} * sign({{ numerator }}) as bigint
    )
{%- endmacro %}


{#- Annual recurring revenue: twelve times the monthly one. -#}
{% macro arr_usd_year(mrr_usd_month) -%}
    {{ usd('12 * ' ~ mrr_usd_month) }}
{%- endmacro %}

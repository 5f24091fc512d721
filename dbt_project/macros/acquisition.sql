{#- Days until new customers have paid what it cost to win them, at their MRR and the seeded gross margin: whole cents
    divided, half up to hundredths of a day. Null where they pay nothing. -#}
{% macro payback_days(spend_usd, mrr_usd_month) -%}
    cast(
        {{ divide_half_up(
            'cast(cast(' ~ spend_usd ~ ' as decimal(20, 2)) * 10000 as decimal(38, 0)) * 365',
            'cast(12 * ' ~ mrr_usd_month ~ ' * ' ~ threshold('gross_margin') ~ ' * 100 as decimal(38, 0))',
            'decimal(28, 0)'
        ) }} * 0.01 as decimal(22, 2)
    )
{%- endmacro %}

{#- Rating: what a quantity of a product costs in one billing period. The only place that knows how.

    Takes a relation with one row per `key` (a list of columns) and: product_key, quantity (billed units, decimal with
    six decimals), priced_on (the period's last day), is_subscribed, discount_percent, limit_usd (null: no limit).
    Gives `key` and list_usd (graduated tiers, rounded half up to cents), after_discount_usd (rounded again), bill_usd
    (the spend limit holds after the discount), is_price_assumed (priced by a version from before it was published)
    and has_price. A product that is not subscribed is 0; so is one without a price, which has_price tells apart.

    Only the tier that the quantity ends in is looked up: it knows what those below it cost in full.

    Widths are deliberate: DuckDB multiplies two decimals of 18 digits or fewer in 18 digits and fails above, so one
    side of each product is wider; and a quantity of 24 digits (400 days of the largest counter) times a price of 15
    has the most that there are, 38, of which 22 are before the point. -#}
{% macro rate_usage(relation, key) -%}
    {%- set keys = key | join(', ') -%}
    select
        {{ keys }},
        list_usd,
        after_discount_usd,
        case
            when limit_usd < after_discount_usd then {{ round_half_up('limit_usd') }}
            else after_discount_usd
        end as bill_usd,
        is_price_assumed,
        has_price
    from (
        select
            {{ keys }}{{ ', limit_usd' if 'limit_usd' not in key }},
            list_usd,
            {{ round_half_up(
                'cast(list_usd as decimal(22, 2)) * (100 - cast(discount_percent as decimal(13, 10))) * 0.01'
            ) }} as after_discount_usd,
            is_price_assumed,
            has_price
        from (
            select
                {% for column in (key + ['limit_usd', 'discount_percent']) | unique -%}
                usage.{{ column }},
                {% endfor -%}
                {{ round_half_up("
                    case
                        when usage.is_subscribed and tiers.product_key is not null
                            then tiers.list_usd_before
                                + tiers.unit_price_usd * (usage.quantity - tiers.units_from)
                        else cast(0 as decimal(38, 16))
                    end
                ") }} as list_usd,
                coalesce(usage.priced_on < tiers.published_from, false) as is_price_assumed,
                tiers.product_key is not null as has_price
            from {{ relation }} as usage
            left join {{ ref('int_price_tiers') }} as tiers
                on usage.product_key = tiers.product_key
                and usage.priced_on >= tiers.valid_from
                and usage.priced_on < tiers.valid_to
                and usage.quantity > tiers.units_from
                and usage.quantity <= tiers.units_to
        ) as priced
    ) as discounted
{%- endmacro %}

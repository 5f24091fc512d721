{#- Rating: what a quantity of a product costs in one billing period. The only place that knows how.

    Takes a relation with one row per `key` (a list of columns) and: product_key, quantity (billed units, decimal with
    six decimals), priced_on (the period's last day), is_subscribed, discount_percent, limit_usd (null: no limit).
    Gives `key` and list_usd (graduated tiers, rounded half up to cents), after_discount_usd (rounded again), bill_usd
    (the spend limit holds after the discount), is_price_assumed (priced by a version from before it was published)
    and has_price. A product that is not subscribed is 0; so is one without a price, which has_price tells apart.

    `tiers` is the price list: `int_price_tiers`, or another with its columns. A row may have several quantities, by
    `bases`: of ['forecast'] it is forecast_quantity that is rated, as forecast_list_usd and so on.

    Only the tier that the quantity ends in is looked up: it knows what those below it cost in full.

    Widths are deliberate: DuckDB multiplies two decimals of 18 digits or fewer in 18 digits and fails above, so one
    side of each product is wider; and a quantity of 24 digits (400 days of the largest counter) times a price of 15
    has the most that there are, 38, of which 22 are before the point. Most of the time goes into rounding: what is free, and
    what has no discount, is not rounded. -#}
{% macro rate_usage(relation, key, tiers=none, bases=none) -%}
    {%- set prefixes = [] if bases else [''] -%}
    {%- for basis in bases or [] -%}
        {%- do prefixes.append(basis ~ '_') -%}
    {%- endfor -%}
    {%- set price_tiers = tiers or ref('int_price_tiers') -%}
    {%- set keys = key | join(', ') -%}
    select
        {{ keys }},
        {% for prefix in prefixes -%}
        {{ prefix }}list_usd,
        {{ prefix }}after_discount_usd,
        case
            when limit_usd < {{ prefix }}after_discount_usd then {{ round_half_up('limit_usd') }}
            else {{ prefix }}after_discount_usd
        end as {{ prefix }}bill_usd,
        {{ prefix }}is_price_assumed,
        {{ prefix }}has_price{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select
            {{ keys }}{{ ', limit_usd' if 'limit_usd' not in key }},
            {% for prefix in prefixes -%}
            {{ prefix }}list_usd,
            case
                when discount_percent = 0 then {{ prefix }}list_usd
                else {{ round_half_up(
                    'cast(' ~ prefix ~ 'list_usd as decimal(22, 2)) * (100 - cast(discount_percent as decimal(13, 10))) * 0.01'
                ) }}
            end as {{ prefix }}after_discount_usd,
            {{ prefix }}is_price_assumed,
            {{ prefix }}has_price{{ ',' if not loop.last }}
            {% endfor %}
        from (
            select
                {% for column in (key + ['limit_usd', 'discount_percent']) | unique -%}
                usage.{{ column }},
                {% endfor -%}
                {% for prefix in prefixes -%}
                {%- set tiers = prefix ~ 'tiers' -%}
                case
                    when usage.is_subscribed and ({{ tiers }}.list_usd_before <> 0 or {{ tiers }}.unit_price_usd <> 0)
                        then {{ round_half_up(
                            tiers ~ '.list_usd_before + ' ~ tiers ~ '.unit_price_usd * (usage.' ~ prefix ~ 'quantity - '
                            ~ tiers ~ '.units_from)'
                        ) }}
                    else cast(0 as decimal(22, 2))
                end as {{ prefix }}list_usd,
                coalesce(usage.priced_on < {{ tiers }}.published_from, false) as {{ prefix }}is_price_assumed,
                {{ tiers }}.product_key is not null as {{ prefix }}has_price{{ ',' if not loop.last }}
                {% endfor %}
            from {{ relation }} as usage
            {%- for prefix in prefixes %}
            {%- set tiers = prefix ~ 'tiers' %}
            left join {{ price_tiers }} as {{ tiers }}
                on usage.product_key = {{ tiers }}.product_key
                and usage.priced_on >= {{ tiers }}.valid_from
                and usage.priced_on < {{ tiers }}.valid_to
                and usage.{{ prefix }}quantity > {{ tiers }}.units_from
                and usage.{{ prefix }}quantity <= {{ tiers }}.units_to
            {%- endfor %}
        ) as priced
    ) as discounted
{%- endmacro %}


{#- Joins `subscribed` and `limits`: what was subscribed of a product, and limited, by a version of billing. -#}
{% macro join_terms_of_product(organization_id, updated_at, product_key) -%}
    {%- for relation, name in [
        (ref('stg_billing__subscribed_products'), 'subscribed'), (ref('stg_billing__spend_limits'), 'limits')
    ] %}
    left join {{ relation }} as {{ name }}
        on {{ organization_id }} = {{ name }}.organization_id
        and {{ updated_at }} = {{ name }}.updated_at
        and {{ product_key }} = {{ name }}.product_key
    {%- endfor %}
{%- endmacro %}


{#- A price list of the shape of seed `price_list` with each tier's lower bound. A package's fee is a flat one a month: its
    unit is the month. What has no end, a last tier or a price in force, ends past all that can be: a join on plain
    comparisons is a hash join, and one on a null's replacement is not. -#}
{% macro price_tiers_of(price_list) -%}
with versions as (
    select
        product_key,
        valid_from,
        row_number() over (partition by product_key order by valid_from) as version_number
    from (select distinct product_key, valid_from from {{ price_list }}) as published
),

tiers as (
    select
        product_key,
        valid_from,
        valid_to,
        tier,
        up_to,
        lag(up_to) over (partition by product_key, valid_from order by tier) as previous_up_to,
        unit_price_usd,
        flat_amount_usd
    from {{ price_list }}
),

typed as (
    select
        tiers.product_key,
        tiers.tier,
        cast(coalesce(tiers.previous_up_to, 0) as decimal(24, 6)) as units_from,
        cast(coalesce(tiers.up_to, 999999999999999999) as decimal(24, 6)) as units_to,
        cast(
            case when products.is_package then tiers.flat_amount_usd else tiers.unit_price_usd end as decimal(15, 10)
        ) as unit_price_usd,
        case when products.is_package then 0 else tiers.flat_amount_usd end as flat_amount_usd,
        tiers.valid_from as published_from,
        case when versions.version_number = 1 then cast('1900-01-01' as date) else tiers.valid_from end as valid_from,
        coalesce(tiers.valid_to, cast('9999-12-31' as date)) as valid_to
    from tiers
    inner join versions
        on tiers.product_key = versions.product_key
        and tiers.valid_from = versions.valid_from
    left join {{ ref('products') }} as products on tiers.product_key = products.product_key
)

select
    product_key,
    tier,
    units_from,
    units_to,
    unit_price_usd,
    flat_amount_usd,
    cast(
        flat_amount_usd + coalesce(
            sum(flat_amount_usd + unit_price_usd * (units_to - units_from)) over (
                partition by product_key, valid_from
                order by tier
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as decimal(38, 16)
    ) as list_usd_before,
    published_from,
    valid_from,
    valid_to
from typed
{%- endmacro %}


{#- What a thousand units cost by an amount in dollars, half up to six decimals; null without units. The widths hold the
    most money there is for one unit. -#}
{% macro usd_per_thousand_units(amount_usd, quantity) -%}
    cast(
        {{ divide_half_up(
            'cast(' ~ amount_usd ~ ' * 100 as decimal(22, 0)) * cast(10000000000000 as decimal(14, 0))',
            'cast(' ~ quantity ~ ' * 1000000 as decimal(38, 0))',
            'decimal(27, 0)'
        ) }} * cast(0.000001 as decimal(7, 6)) as decimal(28, 6)
    )
{%- endmacro %}


{#- How much what a thousand units cost has changed, in percent of what it was, by 10^11 times at most; null if it was 0. Its
    millionths are whole numbers, since most units cost far less than a cent. -#}
{% macro unit_cost_change_percent(now, before) -%}
    case
        when {{ before }} > 0 then {{ percent_of_millionths(
            'case when ' ~ now ~ ' > 100000000000 * ' ~ before ~ ' then 100000000000000000 else '
            ~ divide_half_up(
                'cast((' ~ now ~ ' - ' ~ before ~ ') * 1000000 as decimal(38, 0)) * 1000000',
                'cast(' ~ before ~ ' * 1000000 as decimal(38, 0))'
            ) ~ ' end'
        ) }}
    end
{%- endmacro %}


{#- The price list in force and the one that is weighed, by the seed that a row is in. -#}
{% macro listed_prices() -%}
    {% for seed in ['price_list', 'candidate_price_list'] -%}
    select '{{ seed }}' as listed_in, product_key, tier, up_to, valid_from, valid_to
    from {{ ref(seed) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

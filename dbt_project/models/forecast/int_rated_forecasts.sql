{#- Units of each product in an open period: to date, expected by its end, and by simple rules, each priced, with the
    packages, by the terms of the day. What is expected of missing days counts like what is expected of days to come: the
    mean of the methods by their weights, and what it drifts. The rules are the vendor's published one and, on every
    fifth day, which is enough to judge by them, the rate of the last seven days and the mean of each weekday over eight
    weeks. A basis by which nothing is used costs nothing. -#}
{%- set bases = ['to_date', 'forecast', 'published_rule', 'last_week', 'weekday_means'] -%}
{%- set quantities = [] -%}
{%- for basis in bases -%}
    {%- do quantities.append(basis ~ '_quantity') -%}
{%- endfor -%}

with period_starts as (
    select distinct account_id, period_start, cast({{ dbt.dateadd('day', -1, 'period_start') }} as date) as day_before
    from {{ ref('int_account_days') }}
),

before_periods as (
    select
        period_starts.account_id,
        period_starts.period_start,
        windows.product_key,
        windows.quantity_so_far,
        windows.expected_so_far
    from period_starts
    inner join {{ ref('int_usage_windows') }} as windows
        on period_starts.account_id = windows.account_id
        and period_starts.day_before = windows.date
),

quantities as (
    select
        accounts.account_organization_id,
        accounts.as_of_date,
        windows.product_key,
        accounts.period_days,
        accounts.day_of_period,
        accounts.last_day,
        {{ dbt.datediff('accounts.subscribed_on', 'accounts.as_of_date', 'day') }} as subscribed_days,
        accounts.terms_organization_id,
        accounts.terms_updated_at,
        accounts.discount_percent,
        cast(windows.quantity_so_far - coalesce(earlier.quantity_so_far, 0) as decimal(24, 6)) as quantity_to_date,
        cast(windows.expected_so_far - coalesce(earlier.expected_so_far, 0) as decimal(24, 6)) as expected_to_date,
        methods.by_level,
        {{ weighted_difference('methods', 'weights') | indent(8) }} as difference,
        {{ estimate('weights.drift') }} as drift,
        windows.week_0,
        case when accounts.day_of_period % 5 = 0 then
            {% for lag in range(7) -%}
            floor((accounts.period_days - accounts.day_of_period + {{ lag }}) / 7.0) * coalesce(windows.weekday_{{ lag }}, 0)
            / greatest(floor((windows.age_days + {{ 7 - lag }}) / 7.0), 1){{ ' + ' if not loop.last }}
            {%- endfor %}
        end as weekday_means_left
    from {{ ref('int_account_days') }} as accounts
    inner join {{ ref('int_usage_windows') }} as windows
        on accounts.account_id = windows.account_id
        and accounts.as_of_date = windows.date
    left join before_periods as earlier
        on accounts.account_id = earlier.account_id
        and accounts.period_start = earlier.period_start
        and windows.product_key = earlier.product_key
    left join {{ ref('int_quantity_methods') }} as methods
        on accounts.account_organization_id = methods.account_organization_id
        and accounts.as_of_date = methods.as_of_date
        and windows.product_key = methods.product_key
    left join {{ ref('int_method_weights') }} as weights
        on methods.account_organization_id = weights.account_organization_id
        and methods.product_key = weights.product_key
        and methods.period_start = weights.period_start
        and methods.elapsed_fifths = weights.elapsed_fifths
),

forecasts as (
    select
        account_organization_id,
        as_of_date,
        product_key,
        last_day,
        terms_organization_id,
        terms_updated_at,
        discount_percent,
        quantity_to_date as to_date_quantity,
        cast(
            expected_to_date + coalesce(
                by_level + cast(
                    difference + ({{ estimate('by_level') }} + difference) * (exp(drift) - 1) as decimal(24, 6)
                ), 0
            ) as decimal(24, 6)
        ) as forecast_quantity,
        cast(
            case
                when subscribed_days < {{ threshold('published_rule_quiet_days') }} then quantity_to_date
                when day_of_period <= {{ threshold('published_rule_week_days') }}
                    then quantity_to_date + week_0 * (period_days - day_of_period) / 7
                else quantity_to_date * period_days / day_of_period
            end as decimal(24, 6)
        ) as published_rule_quantity,
        case
            when day_of_period % 5 = 0
                then cast(expected_to_date + week_0 * (period_days - day_of_period) / 7 as decimal(24, 6))
        end as last_week_quantity,
        case
            when day_of_period % 5 = 0
                then cast(expected_to_date + coalesce(weekday_means_left, 0) as decimal(24, 6))
        end as weekday_means_quantity
    from quantities
),

to_rate as (
    select
        forecasts.account_organization_id,
        forecasts.as_of_date,
        forecasts.product_key,
        {% for quantity in quantities -%}
        case when forecasts.{{ quantity }} > 0 then forecasts.{{ quantity }} else 0 end as {{ quantity }},
        {% endfor -%}
        forecasts.last_day as priced_on,
        subscribed.product_key is not null as is_subscribed,
        forecasts.discount_percent,
        limits.limit_usd
    from forecasts
    {{ join_terms_of_product('forecasts.terms_organization_id', 'forecasts.terms_updated_at', 'forecasts.product_key') }}
    where
        {% for quantity in quantities -%}
        {{ 'or ' if not loop.first }}forecasts.{{ quantity }} > 0
        {% endfor %}

    union all

    select
        account_organization_id,
        as_of_date,
        platform_package as product_key,
        {% for quantity in quantities -%}
        cast({{ months_covered('period_start', 'period_end') }} as decimal(24, 6)) as {{ quantity }},
        {% endfor -%}
        last_day as priced_on,
        true as is_subscribed,
        discount_percent,
        cast(null as decimal(38, 10)) as limit_usd
    from {{ ref('int_account_days') }}
    where platform_package is not null
),

rated as (
    {{ rate_usage(
        'to_rate', ['account_organization_id', 'as_of_date', 'product_key', 'limit_usd'] + quantities, bases=bases
    ) | indent }}
)

select
    account_organization_id,
    as_of_date,
    product_key,
    limit_usd,
    to_date_quantity,
    forecast_quantity,
    forecast_list_usd,
    forecast_after_discount_usd,
    {% for basis in bases -%}
    case when {{ basis }}_quantity > 0 then {{ basis }}_bill_usd else 0 end as {{ basis }}_bill_usd,
    {% endfor -%}
    to_date_is_price_assumed or forecast_is_price_assumed as is_price_assumed
from rated

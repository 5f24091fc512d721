{#- Bills of every open period, day by day. A history, since how far forecasts were off is learned from it. -#}
{{ built_by_days('as_of_date') }}
{%- set rules = ['published_rule', 'last_week', 'weekday_means'] -%}

with bills as (
    select
        rated.account_organization_id,
        rated.as_of_date,
        sum(rated.to_date_bill_usd) as amount_to_date_usd,
        sum(rated.forecast_list_usd) as forecast_list_usd,
        sum(rated.forecast_after_discount_usd) as forecast_after_discount_usd,
        sum(rated.forecast_bill_usd) as forecast_bill_usd,
        sum(case when products.is_package then rated.forecast_bill_usd else 0 end) as fixed_usd,
        sum(case when rated.limit_usd is not null then rated.forecast_bill_usd else 0 end) as limited_usd,
        {% for rule in rules -%}
        sum(rated.{{ rule }}_bill_usd) as {{ rule }}_usd{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_rated_forecasts') }} as rated
    left join {{ ref('products') }} as products on rated.product_key = products.product_key
    group by rated.account_organization_id, rated.as_of_date
),

limits as (
    select
        subscribed.organization_id,
        subscribed.updated_at,
        sum(limits.limit_usd) as limits_usd,
        count(*) > count(limits.limit_usd) as has_product_without_limit
    from {{ ref('stg_billing__subscribed_products') }} as subscribed
    left join {{ ref('stg_billing__spend_limits') }} as limits
        on subscribed.organization_id = limits.organization_id
        and subscribed.updated_at = limits.updated_at
        and subscribed.product_key = limits.product_key
    group by subscribed.organization_id, subscribed.updated_at
),

forecasts as (
    select
        accounts.account_organization_id,
        accounts.period_start,
        accounts.period_end,
        accounts.period_days,
        accounts.day_of_period,
        accounts.missing_days,
        accounts.credit_balance_usd,
        {{ usd('coalesce(bills.amount_to_date_usd, 0)') }} as amount_to_date_usd,
        {{ usd('coalesce(bills.forecast_list_usd, 0)') }} as forecast_list_usd,
        {{ usd('coalesce(bills.forecast_after_discount_usd, 0)') }} as forecast_after_discount_usd,
        {{ usd('coalesce(bills.forecast_bill_usd, 0)') }} as forecast_bill_usd,
        {{ usd('coalesce(bills.published_rule_usd, 0)') }} as published_rule_usd,
        {% for rule in rules if rule != 'published_rule' -%}
        {{ usd('case when accounts.day_of_period % 5 = 0 then coalesce(bills.' ~ rule ~ '_usd, 0) end') }} as {{ rule }}_usd,
        {% endfor -%}
        {{ usd('coalesce(bills.fixed_usd, 0)') }} as fixed_usd,
        {{ usd('coalesce(bills.limited_usd, 0)') }} as limited_usd,
        {{ usd('coalesce(limits.limits_usd, 0)') }} as limits_usd,
        coalesce(limits.has_product_without_limit, false) as has_product_without_limit,
        accounts.as_of_date
    from {{ ref('int_account_days') }} as accounts
    left join bills
        on accounts.account_organization_id = bills.account_organization_id
        and accounts.as_of_date = bills.as_of_date
    left join limits
        on accounts.terms_organization_id = limits.organization_id
        and accounts.terms_updated_at = limits.updated_at
)

select
    account_organization_id,
    period_start,
    period_end,
    period_days,
    day_of_period,
    missing_days,
    credit_balance_usd,
    amount_to_date_usd,
    forecast_list_usd,
    forecast_after_discount_usd,
    forecast_bill_usd,
    {{ usd(
        'case when forecast_bill_usd > credit_balance_usd'
        ~ ' then forecast_bill_usd - greatest(credit_balance_usd, 0) else 0 end'
    ) }} as forecast_payable_usd,
    {% for rule in rules -%}
    {{ rule }}_usd,
    {% endfor -%}
    fixed_usd,
    limited_usd,
    limits_usd,
    has_product_without_limit,
    as_of_date
from forecasts

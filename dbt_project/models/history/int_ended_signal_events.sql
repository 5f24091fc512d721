{#- Lists say what fires on the data day. Spend limits and startup plans have a history of days, from which the signals are
    taken that have ended: on the first day with forecasts on which they no longer fired. A day without forecasts ends none. -#}
with days as (
    select
        as_of_date as day,
        row_number() over (order by as_of_date) as day_number,
        lead(as_of_date) over (order by as_of_date) as next_day
    from (select distinct as_of_date from {{ ref('fct_bill_forecasts') }}) as forecast_days
),

limits as (
    select
        members.customer_id,
        products.as_of_date as day,
        levels.signal,
        levels.rule,
        row_number() over (
            partition by products.organization_id, products.product_key, products.as_of_date
            order by levels.share_of_limit desc
        ) as place
    from {{ ref('fct_bill_forecast_products') }} as products
    inner join {{ ref('int_customers') }} as members on products.organization_id = members.organization_id
    inner join {{ ref('spend_limit_levels') }} as levels
        on products.bill_to_date_usd >= cast(products.limit_usd as decimal(20, 2)) * levels.share_of_limit
    where products.after_discount_usd > 0 and products.limit_usd >= 0
),

rolloffs as (
    select
        forecasts.customer_id,
        forecasts.as_of_date as day,
        stages.signal,
        stages.rule,
        row_number() over (
            partition by forecasts.organization_id, forecasts.as_of_date
            order by stages.rolloff_within_days
        ) as place
    from {{ ref('int_onboarding_forecasts') }} as forecasts
    inner join {{ ref('startup_rolloff_stages') }} as stages
        on forecasts.rolloff_in_days <= stages.rolloff_within_days
    where forecasts.startup_program is not null
),

fired as (
    select distinct customer_id, day, signal, rule, 'rpt_limits_hit' as source_table
    from limits
    where place = 1

    union all

    select distinct customer_id, day, signal, rule, 'rpt_startup_rolloffs'
    from rolloffs
    where place = 1
),

numbered as (
    select
        fired.*,
        days.next_day,
        days.day_number - row_number() over (
            partition by fired.customer_id, fired.source_table, fired.signal
            order by fired.day
        ) as stretch
    from fired
    inner join days on fired.day = days.day
    inner join {{ ref('int_organization_segments') }} as segments
        on fired.customer_id = segments.organization_id
        and segments.list_order is not null
),

ended as (
    select customer_id, source_table, signal, rule, min(day) as fired_on, max(next_day) as ended_on
    from numbered
    group by customer_id, source_table, signal, rule, stretch
    having max(day) < (select max(as_of_date) from {{ ref('int_data_day') }})
)

{% for day, kind in [('fired_on', 'signal_fired'), ('ended_on', 'signal_ended')] -%}
select
    customer_id,
    {{ day }} as day,
    '{{ kind }}' as kind,
    signal as subject,
    rule as what,
    cast(null as decimal(24, 4)) as figure,
    cast(null as {{ dbt.type_string() }}) as unit,
    source_table
from ended
{{ 'union all' if not loop.last }}
{% endfor %}

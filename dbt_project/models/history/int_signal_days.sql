{#- Rules whose past is known by day: those about forecasts, which are kept of every day, and the credit of running
    contracts, which holds from one look at it to the next. -#}
with limits as (
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

credit as (
    select
        organization_id,
        as_of_date as looked_on,
        lead(as_of_date) over (partition by organization_id order by as_of_date) as next_look_on,
        {{ runway_signal('runs_out_on', 'term_starts_on', 'term_ends_on') | indent(8) }} as signal
    from {{ ref('int_credit_states') }}
),

days as (
    select distinct as_of_date as day
    from {{ ref('fct_bill_forecasts') }}
)

select distinct customer_id, day, signal, rule, 'rpt_limits_hit' as source_table
from limits
where place = 1

union all

select distinct customer_id, day, signal, rule, 'rpt_startup_rolloffs'
from rolloffs
where place = 1

union all

select figures.customer_id, figures.as_of_date, figures.signal, signals.rule, 'rpt_product_led_leads'
from {{ ref('int_lead_figures') }} as figures
inner join {{ ref('account_signals') }} as signals
    on signals.list_name = 'product_led_leads'
    and figures.signal = signals.signal
    and {{ fires('figures.figure') | indent(4) }}
where not figures.is_owned

union all

select distinct members.customer_id, days.day, credit.signal, signals.rule, 'rpt_credit_runway'
from credit
inner join days
    on days.day >= credit.looked_on
    and coalesce(days.day < credit.next_look_on, true)
inner join {{ ref('credit_runway_signals') }} as signals on credit.signal = signals.signal
inner join {{ ref('int_customers') }} as members on credit.organization_id = members.organization_id

{#- Lists say what fires on the data day; these signals are over. One ends on the first day with forecasts on which it no
    longer fired: a day without forecasts ends none. A deal ends with the version in which it is large no more. -#}
with days as (
    select
        as_of_date as day,
        max(as_of_date) over () as last_day,
        row_number() over (order by as_of_date) as day_number,
        lead(as_of_date) over (order by as_of_date) as next_day
    from (select distinct as_of_date from {{ ref('fct_bill_forecasts') }}) as forecast_days
),

numbered as (
    select
        fired.*,
        days.last_day,
        days.next_day,
        days.day_number - row_number() over (
            partition by fired.customer_id, fired.source_table, fired.signal
            order by fired.day
        ) as stretch
    from {{ ref('int_signal_days') }} as fired
    inner join days on fired.day = days.day
),

accounts as (
    select
        account_id,
        customer_id,
        row_number() over (partition by account_id order by held_from desc) as newest_rank
    from {{ ref('int_account_owners') }}
),

ended as (
    select
        customer_id,
        source_table,
        signal as subject,
        rule,
        min(day) as fired_on,
        case when max(day) < max(last_day) then max(next_day) end as ended_on
    from numbered
    group by customer_id, source_table, signal, rule, stretch
    having max(day) < (select max(as_of_date) from {{ ref('int_data_day') }})

    union all

    select
        accounts.customer_id,
        'rpt_large_deals',
        deals.opportunity_id,
        signals.rule,
        deals.large_from,
        deals.large_before
    from {{ ref('int_large_deal_spans') }} as deals
    inner join accounts
        on deals.account_id = accounts.account_id
        and accounts.newest_rank = 1
    inner join {{ ref('account_signals') }} as signals on signals.signal = 'large_deal'
    where deals.large_before is not null
),

listed as (
    select ended.*
    from ended
    inner join {{ ref('int_organization_segments') }} as segments on ended.customer_id = segments.organization_id
    inner join {{ ref('int_customer_standing') }} as customers on ended.customer_id = customers.customer_id
    where
        (segments.list_order is not null or ended.source_table = 'rpt_credit_runway')
        and not (
            customers.is_do_not_contact and ended.source_table in ('rpt_product_led_leads', 'rpt_large_deals')
        )
)

{% for day, kind in [('fired_on', 'signal_fired'), ('ended_on', 'signal_ended')] -%}
select
    customer_id,
    {{ day }} as day,
    '{{ kind }}' as kind,
    subject,
    rule as what,
    cast(null as decimal(24, 4)) as figure,
    cast(null as {{ dbt.type_string() }}) as unit,
    source_table
from listed
where {{ day }} is not null
{{ 'union all' if not loop.last }}
{% endfor %}

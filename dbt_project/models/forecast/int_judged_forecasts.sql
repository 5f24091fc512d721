{#- Forecasts of periods that have closed, beside the bill, a row for each day and method. A first bill is that of a period
    of an account that had no bill worth counting before. -#}
with first_bills as (
    select account_organization_id, min(period_start) as period_start
    from {{ ref('int_closed_bills') }}
    where bill_usd > {{ threshold('accuracy_min_bill_usd') }}
    group by account_organization_id
),

forecasts as (
    select
        forecasts.organization_id,
        forecasts.period_start,
        forecasts.as_of_date,
        forecasts.forecast_bill_usd,
        forecasts.published_rule_usd,
        cast({{ dbt.datediff('forecasts.period_start', 'forecasts.as_of_date', 'day') }} + 1 as int) as day_of_period,
        cast({{ dbt.datediff('forecasts.as_of_date', 'forecasts.period_end', 'day') }} - 1 as int) as days_left,
        bills.bill_usd,
        bills.bill_usd > {{ threshold('accuracy_min_bill_usd') }} as is_counted,
        coalesce(forecasts.period_start <= first_bills.period_start, true) as is_first_bill,
        bills.bill_usd >= forecasts.forecast_low_usd and bills.bill_usd <= forecasts.forecast_high_usd as is_in_interval,
        forecasts.forecast_high_usd - forecasts.forecast_low_usd as interval_usd,
        forecasts.period_end
    from {{ ref('fct_bill_forecasts') }} as forecasts
    inner join {{ ref('int_closed_bills') }} as bills
        on forecasts.organization_id = bills.account_organization_id
        and forecasts.period_start = bills.period_start
        and forecasts.period_end = bills.period_end
    left join first_bills on forecasts.organization_id = first_bills.account_organization_id
)

{% for method, forecast_usd in [('forecast', 'forecast_bill_usd'), ('published_rule', 'published_rule_usd')] -%}
select
    organization_id,
    period_start,
    period_end,
    as_of_date,
    day_of_period,
    days_left,
    bill_usd,
    is_counted,
    is_first_bill,
    '{{ method }}' as method,
    {{ forecast_usd }} as forecast_usd,
    case
        when is_counted
            then abs({{ estimate(forecast_usd) }} - {{ estimate('bill_usd') }}) / {{ estimate('bill_usd') }}
    end as error,
    {% if method == 'forecast' -%}
    is_in_interval,
    case when is_counted then {{ estimate('interval_usd') }} / {{ estimate('bill_usd') }} end as interval_width
    {%- else -%}
    cast(null as boolean) as is_in_interval,
    {{ estimate('null') }} as interval_width
    {%- endif %}
from forecasts
{{ 'union all' if not loop.last }}
{% endfor %}

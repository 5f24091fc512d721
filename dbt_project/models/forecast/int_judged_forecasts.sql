{#- Forecasts of periods that have closed, beside the bill, a row for each day and method. A first bill is that of a period
    of an account that had no bill worth counting before; that of a later period makes none of it. Built by the day on which
    the period closed, after which neither the bill nor what was forecast of it changes. After a day that was not reported a
    bill is nearer to its forecast than what was used: both have the same estimate of the day. By how much is said by how
    many days were left. -#}
{{ built_by_days('closed_on') }}
{%- set used_usd = '(' ~ estimate('forecast_usd') ~ ' + ' ~ estimate('bill_usd - forecast_usd') ~ ' * (1 + ' ~ estimate(threshold('missing_day_error_days')) ~ ' * missing_days / days_left))' -%}

with first_bills as (
    select account_organization_id, min(closed_on) as closed_on
    from {{ ref('int_closed_bills') }}
    where bill_usd > {{ threshold('accuracy_min_bill_usd') }}
    group by account_organization_id
),

judged as (
    select
        forecasts.account_organization_id as organization_id,
        forecasts.period_start,
        forecasts.period_end,
        forecasts.as_of_date,
        forecasts.day_of_period,
        forecasts.period_days - forecasts.day_of_period as days_left,
        forecasts.forecast_bill_usd as forecast_usd,
        forecasts.published_rule_usd,
        forecasts.last_week_usd,
        forecasts.weekday_means_usd,
        bills.bill_usd,
        bills.closed_on,
        bills.bill_usd > {{ threshold('accuracy_min_bill_usd') }} as is_counted,
        coalesce(bills.closed_on <= first_bills.closed_on, true) as is_first_bill,
        intervals.forecast_low_usd,
        intervals.forecast_high_usd,
        forecasts.missing_days,
        intervals.forecast_high_usd - intervals.forecast_low_usd as interval_usd
    from {{ ref('int_bill_forecasts') }} as forecasts
    inner join {{ ref('fct_bill_forecasts') }} as intervals
        on forecasts.account_organization_id = intervals.organization_id
        and forecasts.as_of_date = intervals.as_of_date
    inner join {{ ref('int_closed_bills') }} as bills
        on forecasts.account_organization_id = bills.account_organization_id
        and forecasts.period_start = bills.period_start
        and forecasts.period_end = bills.period_end
    inner join {{ ref('int_days_to_build') }} as days
        on bills.closed_on >= days.first_day
        and bills.closed_on <= days.last_day
    left join first_bills on forecasts.account_organization_id = first_bills.account_organization_id
),

held as (
    select
        judged.*,
        case
            when missing_days = 0 then bill_usd >= forecast_low_usd and bill_usd <= forecast_high_usd
            when days_left > 0 then {{ used_usd }} >= {{ estimate('forecast_low_usd') }}
                and {{ used_usd }} <= {{ estimate('forecast_high_usd') }}
        end as is_in_interval
    from judged
)

{% for method in ['forecast', 'published_rule', 'last_week', 'weekday_means'] -%}
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
    {{ method }}_usd as forecast_usd,
    case
        when is_counted
            then abs({{ estimate(method ~ '_usd') }} - {{ estimate('bill_usd') }}) / {{ estimate('bill_usd') }}
    end as error,
    {% if method == 'forecast' -%}
    is_in_interval,
    case when is_counted then {{ estimate('interval_usd') }} / {{ estimate('bill_usd') }} end as interval_width,
    {%- else -%}
    cast(null as boolean) as is_in_interval,
    {{ estimate('null') }} as interval_width,
    {%- endif %}
    max(case when is_first_bill and {{ method }}_usd >= {{ threshold('onboarding_line_usd_month') }} then days_left end) over (
        partition by organization_id, period_start, period_end
        order by day_of_period
        rows between unbounded preceding and current row
    ) as lead_days,
    closed_on
from held
{% if method in ['last_week', 'weekday_means'] -%}
where day_of_period % 5 = 0
{% endif -%}
{{ 'union all' if not loop.last }}
{% endfor %}

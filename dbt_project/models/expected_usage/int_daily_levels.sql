{#- What is expected of the rest of a period by the last weeks alone: a level, times what each weekday is to it. The level is
    the mean of the last four weeks with the newest counting most, in which no week is much above their median; after a
    week of silence it is 0. A week in which every day is the same has no rhythm, and its days are the level. -#}
{%- set lags = range(7) -%}
{%- set weeks = range(4) -%}

with histories as {{ not_inlined() }} (
    select
        accounts.account_id,
        accounts.account_organization_id,
        accounts.as_of_date,
        accounts.period_start,
        accounts.period_end,
        accounts.period_days - accounts.day_of_period as days_left,
        windows.product_key,
        windows.age_days,
        windows.expected_so_far,
        windows.month_quantity,
        windows.weeks_before,
        windows.week_0 + coalesce(windows.week_1, 0) + coalesce(windows.week_2, 0) + coalesce(windows.week_3, 0) as weeks_quantity,
        windows.highest_quantity,
        windows.highest_quantity * (case when windows.age_days < 6 then windows.age_days + 1 else 7 end)
        = windows.week_0 as is_flat,
        {% for lag in lags -%}
        {{ estimate('coalesce(windows.weekday_' ~ lag ~ ', 0)') }} as quantity_{{ lag }},
        {{ estimate('coalesce(rhythm.factor_' ~ lag ~ ', 1)') }} as usual_{{ lag }},
        floor((windows.age_days + {{ 7 - lag }}) / 7.0) as seen_{{ lag }},
        {% endfor -%}
        {% for week in weeks -%}
        {{ estimate('coalesce(windows.week_' ~ week ~ ', 0)') }} as quantity_of_week_{{ week }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_account_days') }} as accounts
    inner join {{ ref('int_usage_windows') }} as windows
        on accounts.account_id = windows.account_id
        and accounts.as_of_date = windows.date
    left join {{ ref('int_weekday_rhythm') }} as rhythm on accounts.as_of_date = rhythm.date
    where windows.age_days is not null
),

rhythms as {{ not_inlined() }} (
    select
        histories.*,
        {% for lag in lags -%}
        case
            when is_flat then 1
            else (
                quantity_{{ lag }}
                * ({% for each in lags %}seen_{{ each }} * usual_{{ each }}{{ ' + ' if not loop.last }}{% endfor %})
                / ({% for each in lags %}quantity_{{ each }}{{ ' + ' if not loop.last }}{% endfor %})
                + rhythm_prior_weeks * usual_{{ lag }}
            ) / (seen_{{ lag }} + rhythm_prior_weeks)
        end as factor_{{ lag }}{{ ',' if not loop.last }}
        {% endfor %}
    from histories
    cross join {{ thresholds_to_estimate_with(['rhythm_prior_weeks']) | indent(4) }} as thresholds
),

weekly as {{ not_inlined() }} (
    select
        rhythms.*,
        {% for lag in lags -%}
        floor((days_left + {{ lag }}) / 7.0) * factor_{{ lag }}{{ ' + ' if not loop.last }}
        {%- endfor %} as mean_days_left,
        {% for week in weeks -%}
        case when age_days >= {{ 7 * week }} then quantity_of_week_{{ week }} / (
            {% for lag in lags -%}
            case when age_days >= {{ 7 * week + lag }} then factor_{{ lag }} else 0 end{{ ' + ' if not loop.last }}
            {%- endfor %}
        ) end as level_{{ week }},
        {{ 4 - week }} * greatest(least(age_days - {{ 7 * week - 1 }}, 7), 0) as weight_{{ week }}{{ ',' if not loop.last }}
        {% endfor %}
    from rhythms
),

levels as {{ not_inlined() }} (
    select
        weekly.*,
        level_1 + level_2 + level_3 - greatest(level_1, level_2, level_3) - least(level_1, level_2, level_3) as level_before,
        level_excess_factor * case
            when level_2 is null then (level_0 + coalesce(level_1, level_0)) / 2
            else (
                level_0 + level_1 + level_2 + coalesce(level_3, 0)
                - greatest(level_0, level_1, level_2, coalesce(level_3, level_2))
                - least(level_0, level_1, level_2, coalesce(level_3, level_2))
            ) / case when level_3 is null then 1 else 2 end
        end as highest_level
    from weekly
    cross join {{ thresholds_to_estimate_with(['level_excess_factor']) | indent(4) }} as thresholds
)

select
    account_id,
    account_organization_id,
    as_of_date,
    product_key,
    period_start,
    period_end,
    days_left,
    age_days,
    expected_so_far,
    month_quantity,
    weeks_quantity,
    weeks_before,
    case
        when is_flat then cast(highest_quantity * days_left as decimal(24, 6))
        when level_0 = 0 then 0
        else cast(
            mean_days_left * (
                {% for week in weeks -%}
                weight_{{ week }} * least(coalesce(level_{{ week }}, 0), highest_level){{ ' + ' if not loop.last }}
                {%- endfor %}
            ) / (weight_0 + weight_1 + weight_2 + weight_3) as decimal(24, 6)
        )
    end as by_level,
    cast(case
        when level_0 = 0 then 0
        when {{ levels_differ('level_0', 'level_before', ['level_1', 'level_2', 'level_3']) }}
            then mean_days_left * level_0
        when {{ levels_differ('level_0 + level_1', 'level_2 + level_3', ['level_0', 'level_1'], ['level_2', 'level_3']) }}
            then mean_days_left * (level_0 + level_1) / 2
        when {{ levels_differ('(level_0 + level_1 + level_2) / 3', 'level_3', ['level_0', 'level_1', 'level_2']) }}
            then mean_days_left * (level_0 + level_1 + level_2) / 3
    end as decimal(24, 6)) as by_changed_level
from levels

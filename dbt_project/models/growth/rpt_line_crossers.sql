{#- MRR is that of the end of the last closed month and grows on from there; a month is 146,097 / 4,800 days. Upwards a
    line is crossed on the day on which it is reached, downwards on the day after it was last reached; either may be in
    the open month and before the data day, since no closed month shows it yet. Days are rounded, since a whole number of
    them comes out of logarithms a hair above or below itself. -#}
with ahead as (
    select
        growth.customer_id,
        lines.line,
        lines.line_usd,
        lines.period,
        growth.mrr_usd_month,
        growth.log_growth_per_month,
        growth.months,
        12 * growth.mrr_usd_month < lines.line_usd_year as is_below,
        round(
            cast(
                (ln(lines.line_usd_year) - ln(12 * growth.mrr_usd_month)) / growth.log_growth_per_month * 146097 / 4800
                as decimal(38, 10)
            ), 6
        ) as days_to_line
    from {{ ref('int_customer_growth') }} as growth
    cross join {{ ref('int_revenue_lines') }} as lines
    where growth.log_growth_per_month <> 0
),

dated as (
    select
        ahead.*,
        case when ahead.is_below then 'up' else 'down' end as direction,
        cast(
            case when ahead.is_below then ceil(ahead.days_to_line) else floor(ahead.days_to_line) + 1 end as bigint
        ) as days_after_month,
        {{ month_end('data_day.last_closed_month') }} as month_end,
        data_day.as_of_date
    from ahead
    cross join {{ ref('int_data_day') }} as data_day
    where
        (ahead.is_below and ahead.log_growth_per_month > 0)
        or (not ahead.is_below and ahead.log_growth_per_month < 0)
)

select
    dated.customer_id,
    organizations.name as customer_name,
    line,
    direction,
    {{ usd('line_usd') }} as line_usd,
    period,
    {{ usd('mrr_usd_month') }} as mrr_usd_month,
    {{ arr_usd_year('mrr_usd_month') }} as arr_usd_year,
    cast(exp(log_growth_per_month) - 1 as decimal(24, 6)) as growth_per_month,
    months as growth_months,
    cast({{ dbt.dateadd('day', 'cast(days_after_month as int)', 'month_end') }} as date) as crosses_on,
    as_of_date
from dated
left join {{ ref('int_organizations') }} as organizations on dated.customer_id = organizations.organization_id
where days_after_month <= {{ dbt.datediff('month_end', 'as_of_date', 'day') }} + {{ threshold('crossing_days') }}

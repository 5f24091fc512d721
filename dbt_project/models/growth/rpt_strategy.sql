with periods as (
    select
        as_of_date,
        last_closed_month,
        {{ dbt.dateadd('month', '1 - cast(' ~ threshold('strategy_window_months') ~ ' as int)', 'last_closed_month') }} as first_month
    from {{ ref('int_data_day') }}
),

by_customer as (
    select
        customers.arr_usd_year,
        customers.arr_usd_year >= {{ threshold('middle_from_usd_year') }}
            and customers.arr_usd_year < {{ threshold('middle_below_usd_year') }} as is_middle,
        acquired.is_self_serve
    from {{ ref('int_customer_standing') }} as customers
    left join {{ ref('int_acquired_customers') }} as acquired on customers.customer_id = acquired.customer_id
),

customers as (
    select
        coalesce(sum(arr_usd_year), 0) as arr_usd_year,
        coalesce(sum(case when is_middle then 1 else 0 end), 0) as middle_customers,
        coalesce(sum(case when is_middle then arr_usd_year else 0 end), 0) as middle_arr_usd_year,
        count(case when is_middle then is_self_serve end) as judged_middle_customers,
        sum(case when is_middle and is_self_serve then 1 else 0 end) as middle_self_serve_customers
    from by_customer
),

acquisition as (
    select
        sum(case when acquisition.signup_channel = 'word_of_mouth' then acquisition.signups else 0 end) as word_of_mouth_signups,
        sum(case when acquisition.signup_channel <> 'not_stated' then acquisition.signups else 0 end) as stated_signups,
        sum(acquisition.spend_usd) as spend_usd,
        count(distinct case when acquisition.spend_usd is not null then acquisition.month end) as spend_months,
        count(distinct acquisition.month) as months,
        sum(acquisition.new_mrr_usd_month) as new_mrr_usd_month
    from {{ ref('rpt_acquisition') }} as acquisition
    cross join periods
    where acquisition.month between periods.first_month and periods.last_closed_month
),

acquired as (
    select
        count(acquired.is_self_serve) as customers,
        sum(case when acquired.is_self_serve then 1 else 0 end) as self_serve_customers,
        sum(case when acquired.is_self_serve is not null then acquired.first_mrr_usd_month end) as mrr_usd_month,
        sum(case when acquired.is_self_serve then acquired.first_mrr_usd_month else 0 end) as self_serve_mrr_usd_month,
        sum(case when acquired.signup_channel = 'word_of_mouth' then 1 else 0 end) as word_of_mouth_customers,
        sum(case when acquired.signup_channel <> 'not_stated' then 1 else 0 end) as stated_customers
    from {{ ref('int_acquired_customers') }} as acquired
    cross join periods
    where acquired.first_paid_month between periods.first_month and periods.last_closed_month
),

second_products as (
    select
        percentile_cont(0.5) within group (
            order by {{ dbt.datediff('organizations.created_at', 'usage.second_product_on', 'day') }}
        ) as median_days
    from {{ ref('int_organizations') }} as organizations
    inner join {{ ref('int_usage_by_organization') }} as usage
        on organizations.organization_id = usage.organization_id
    cross join periods
    where usage.second_product_on between periods.first_month and periods.as_of_date
),

deals as (
    select
        count(*) as above_list,
        case
            when count(*) = 0 or count(nullif(segments.icp_segment, 'unknown')) > 0
                then coalesce(sum(case when segments.icp_segment in ('hobbyist', 'other') then 1 else 0 end), 0)
        end as outside_icp
    from {{ ref('int_deals_above_list_discount') }} as deals
    left join {{ ref('int_organization_segments') }} as segments on deals.organization_id = segments.organization_id
),

figures as (
    {% for figure, value, rows in [
        ('arr_usd_year', 'arr_usd_year', 'customers'),
        ('middle_customers', 'middle_customers', 'customers'),
        ('middle_arr_usd_year', 'middle_arr_usd_year', 'customers'),
        ('middle_self_serve_customers', 'case when judged_middle_customers > 0 then middle_self_serve_customers end', 'customers'),
        ('middle_self_serve_share', ratio('middle_self_serve_customers', 'judged_middle_customers'), 'customers'),
        ('self_serve_share_of_new_customers', ratio('self_serve_customers', 'customers'), 'acquired'),
        ('self_serve_share_of_new_mrr', ratio('self_serve_mrr_usd_month', 'mrr_usd_month'), 'acquired'),
        ('word_of_mouth_share_of_signups', ratio('word_of_mouth_signups', 'stated_signups'), 'acquisition'),
        ('word_of_mouth_share_of_new_customers', ratio('word_of_mouth_customers', 'stated_customers'), 'acquired'),
        ('payback_days', 'case when spend_months = months then ' ~ payback_days('spend_usd', 'new_mrr_usd_month') ~ ' end',
            'acquisition'),
        ('median_days_to_second_product', 'median_days', 'second_products'),
        ('deals_above_list_discount', 'above_list', 'deals'),
        ('deals_above_list_discount_outside_icp', 'outside_icp', 'deals'),
    ] -%}
    select '{{ figure }}' as figure, cast({{ value }} as decimal(24, 4)) as value from {{ rows }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    periods.as_of_date as as_of,
    targets.figure,
    figures.value,
    targets.unit,
    targets.target
from {{ ref('strategy_figures') }} as targets
left join figures on targets.figure = figures.figure
cross join periods

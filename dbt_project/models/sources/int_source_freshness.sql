{#- A source's newest record that exists on the data day. A source that is absent has a row too, without an instant. -#}
{%- set stamps = [
    ('billing', 'stg_billing__billing_customers', 'updated_at'),
    ('closed_months', 'stg_closed_months__mrr_lines', 'closed_as_of'),
    ('costs', 'stg_costs__unit_costs', 'month'),
    ('crm', 'stg_crm__accounts', 'updated_at'),
    ('crm', 'stg_crm__opportunities', 'updated_at'),
    ('crm', 'stg_crm__activities', 'happened_at'),
    ('enrichment', 'stg_enrichment__companies', 'enriched_at'),
    ('product_db', 'stg_product_db__organizations', 'updated_at'),
    ('product_db', 'stg_product_db__users', 'updated_at'),
    ('product_db', 'stg_product_db__organization_memberships', 'updated_at'),
    ('product_events', 'stg_product_events__events_daily', 'date'),
    ('spend', 'stg_spend__sales_and_marketing', 'month'),
    ('stripe', 'stg_stripe__customers', 'created_at'),
    ('stripe', 'stg_stripe__invoices', 'created_at'),
    ('support', 'stg_support__tickets', 'created_at'),
] -%}

with newest as (
    {% for source_name, model, stamp in stamps -%}
    select
        '{{ source_name }}' as source_name,
        max(cast(records.{{ stamp }} as timestamp)) as newest_at
    from {{ ref(model) }} as records
    cross join {{ ref('int_data_day') }} as data_day
    where cast(records.{{ stamp }} as timestamp) < data_day.as_of_ts

    union all

    {% endfor -%}
    select
        'usage' as source_name,
        max(reports.received_at) as newest_at
    from {{ ref('stg_usage__usage_reports') }} as reports
    cross join {{ ref('int_data_day') }} as data_day
    where reports.date <= data_day.as_of_date
)

select
    newest.source_name,
    newest.newest_at,
    allowed.max_age_days,
    case
        when newest.newest_at is not null then greatest(
            cast({{ dbt.datediff('cast(newest.newest_at as date)', 'data_day.as_of_date', 'day') }} as int), 0
        )
    end as age_days
from (
    select source_name, max(newest_at) as newest_at
    from newest
    group by source_name
) as newest
cross join {{ ref('int_data_day') }} as data_day
left join {{ ref('source_freshness') }} as allowed on newest.source_name = allowed.source_name

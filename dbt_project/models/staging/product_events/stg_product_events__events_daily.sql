select
    date,
    organization_id,
    billing_page_views,
    queries,
    failed_queries,
    insights_viewed,
    experiments_viewed,
    web_analytics_viewed
from {{ source('product_events', 'events_daily') }}

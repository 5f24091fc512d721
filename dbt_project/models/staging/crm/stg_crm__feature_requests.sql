select
    id as feature_request_id,
    account_id,
    lower(trim(feature)) as feature,
    requested_at,
    shipped_at
from {{ source('crm', 'feature_requests') }}

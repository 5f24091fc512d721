select
    id as opportunity_id,
    account_id,
    type as opportunity_type,
    stage,
    amount_usd_year,
    procurement_started_at,
    requests_new_features as has_new_feature_requests,
    stakeholders,
    non_engineer_stakeholders,
    created_at,
    {#- What the CRM no longer has is no longer open. -#}
    least(closed_at, removed_at) as closed_at,
    updated_at
from {{ source('crm', 'opportunities') }}

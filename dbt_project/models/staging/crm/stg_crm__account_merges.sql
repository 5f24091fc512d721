select
    organization_id,
    canonical_organization_id,
    note
from {{ source('crm', 'account_merges') }}

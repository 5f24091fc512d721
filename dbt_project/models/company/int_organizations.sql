{{ config(materialized='view') }}

select
    organization_id,
    name,
    created_at,
    stripe_customer_id,
    region,
    signup_channel,
    removed_at
from {{ ref('int_organizations_on_data_day') }}
where not is_internal

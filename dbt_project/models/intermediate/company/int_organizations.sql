{{ config(materialized='view') }}

select
    organization_id,
    name,
    created_at,
    stripe_customer_id,
    region,
    signup_channel
from {{ ref('int_organizations_on_data_day') }}
where not is_internal

{{ config(materialized='view') }}

with first_uses as (
    select
        organizations.customer_id,
        usage.product_key,
        min(usage.first_day) as day
    from {{ ref('int_usage_months') }} as usage
    inner join {{ ref('int_signups') }} as organizations on usage.organization_id = organizations.organization_id
    group by organizations.customer_id, usage.product_key
)

select
    customer_id,
    cast(created_at as date) as day,
    'signed_up' as kind,
    organization_id as subject,
    coalesce(signup_channel, 'not_stated') as what,
    cast(null as decimal(24, 4)) as figure,
    cast(null as {{ dbt.type_string() }}) as unit,
    'dim_organizations' as source_table
from {{ ref('int_signups') }}

union all

select customer_id, activated_at, 'activated', organization_id, null, null, null, 'dim_organizations'
from {{ ref('int_signups') }}
where activated_at is not null

union all

select customer_id, day, 'product_first_used', product_key, null, null, null, 'fct_usage_daily'
from first_uses

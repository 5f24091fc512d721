select
    organizations.organization_id,
    customers.customer_id,
    organizations.name,
    organizations.region,
    organizations.created_at,
    organizations.signup_channel,
    case
        when
            {{ dbt.datediff('organizations.created_at', 'usage.first_used_on', 'day') }}
            between 0 and {{ threshold('activation_days') }}
            then usage.first_used_on
    end as activated_at,
    organizations.removed_at
from {{ ref('int_organizations') }} as organizations
inner join {{ ref('int_customers') }} as customers on organizations.organization_id = customers.organization_id
left join {{ ref('int_usage_by_organization') }} as usage
    on organizations.organization_id = usage.organization_id

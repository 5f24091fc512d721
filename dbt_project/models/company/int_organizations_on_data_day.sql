with versions as (
    {{ version_on_data_day(
        ref('stg_product_db__organizations'),
        key=['organization_id'],
        stamp='updated_at',
        columns=[
            'organization_id', 'name', 'created_at', 'stripe_customer_id', 'region', 'is_internal', 'signup_channel',
            'removed_at',
        ],
    ) | indent }}
)

select
    versions.organization_id,
    versions.name,
    versions.created_at,
    versions.stripe_customer_id,
    versions.region,
    versions.is_internal,
    versions.signup_channel,
    case when versions.removed_at < data_day.as_of_ts then versions.removed_at end as removed_at
from versions
cross join {{ ref('int_data_day') }} as data_day
where versions.created_at < data_day.as_of_ts

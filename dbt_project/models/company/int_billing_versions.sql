{#- Before the first version its values hold; a version stamped after the data day does not exist, but for a first one. -#}
with numbered as (
    select
        versions.organization_id,
        versions.stripe_customer_id,
        versions.discount_percent,
        versions.platform_package,
        versions.startup_program,
        versions.startup_plan_start_at,
        versions.annual_plan_start_at,
        versions.annual_plan_end_at,
        versions.has_active_subscription,
        versions.current_period_start_at,
        versions.current_period_end_at,
        versions.credit_balance_usd,
        versions.free_trial_until,
        versions.credit_expires_at,
        versions.updated_at,
        data_day.as_of_ts,
        row_number() over (partition by versions.organization_id order by versions.updated_at) as version_number
    from {{ ref('stg_billing__billing_customers') }} as versions
    cross join {{ ref('int_data_day') }} as data_day
),

known as (
    select
        organization_id,
        stripe_customer_id,
        discount_percent,
        platform_package,
        startup_program,
        startup_plan_start_at,
        annual_plan_start_at,
        annual_plan_end_at,
        has_active_subscription,
        current_period_start_at,
        current_period_end_at,
        credit_balance_usd,
        free_trial_until,
        credit_expires_at,
        updated_at,
        version_number,
        lead(updated_at) over (partition by organization_id order by updated_at) as valid_to
    from numbered
    where updated_at < as_of_ts or version_number = 1
)

select
    known.organization_id,
    known.stripe_customer_id,
    known.discount_percent,
    known.platform_package,
    known.startup_program,
    known.startup_plan_start_at,
    known.annual_plan_start_at,
    known.annual_plan_end_at,
    known.has_active_subscription,
    known.current_period_start_at,
    known.current_period_end_at,
    known.credit_balance_usd,
    known.free_trial_until,
    known.credit_expires_at,
    known.updated_at,
    case when known.version_number = 1 then cast('1900-01-01' as timestamp) else known.updated_at end as valid_from,
    coalesce(known.valid_to, cast('9999-12-31' as timestamp)) as valid_to,
    known.valid_to is null as is_current
from known
inner join {{ ref('int_organizations_on_data_day') }} as organizations
    on known.organization_id = organizations.organization_id

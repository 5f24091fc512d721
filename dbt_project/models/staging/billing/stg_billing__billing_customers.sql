select
    organization_id,
    nullif(trim(stripe_customer_id), '') as stripe_customer_id,
    has_active_subscription,
    platform_package,
    current_period_start as current_period_start_at,
    current_period_end as current_period_end_at,
    discount_percent,
    credit_balance_usd,
    startup_program,
    startup_plan_start_at,
    credit_expires_at,
    annual_plan_start_at,
    annual_plan_end_at,
    free_trial_until,
    updated_at
from {{ source('billing', 'billing_customers') }}

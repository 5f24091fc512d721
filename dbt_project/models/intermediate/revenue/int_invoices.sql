{#- Invoices that count on the data day. The balance that an invoice used up is startup credit only while the customer
    is on the startup plan; otherwise it is how a prepaid contract pays. -#}
select
    invoices.invoice_id,
    invoices.stripe_customer_id,
    accounts.account_organization_id,
    accounts.customer_id,
    invoices.created_at,
    invoices.currency,
    invoices.subscription_id,
    invoices.period_start_at,
    invoices.period_end_at,
    invoices.total_minor,
    billing.updated_at as billing_version_at,
    accounts.is_startup_plan or coalesce(billing.startup_program is not null, false) as is_on_startup_plan,
    case
        when not (accounts.is_startup_plan or coalesce(billing.startup_program is not null, false)) then 0
        when invoices.ending_balance_minor > invoices.starting_balance_minor
            then invoices.ending_balance_minor - invoices.starting_balance_minor
        else 0
    end as startup_credit_minor
from {{ ref('stg_stripe__invoices') }} as invoices
inner join {{ ref('invoice_statuses') }} as statuses
    on invoices.status = statuses.status
    and statuses.is_counted
inner join {{ ref('int_billing_accounts') }} as accounts
    on invoices.stripe_customer_id = accounts.stripe_customer_id
    and not accounts.is_payment_only
left join {{ ref('int_billing_versions') }} as billing
    on accounts.account_organization_id = billing.organization_id
    and invoices.created_at >= billing.valid_from
    and invoices.created_at < billing.valid_to
cross join {{ ref('int_data_day') }} as data_day
where
    invoices.is_livemode
    and invoices.created_at < data_day.as_of_ts

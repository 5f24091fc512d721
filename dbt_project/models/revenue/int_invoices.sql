{#- Invoices that count on the data day. The terms are those of an organization of the account that billing knew when the
    invoice was made: one with a subscription before one without, then the earliest created. The account is on the
    startup plan while the Stripe customer says so, or any of its organizations. Balance that an invoice used up is
    startup credit only then; otherwise it is how a prepaid contract pays. -#}
with invoices as (
    select
        invoices.invoice_id,
        invoices.stripe_customer_id,
        accounts.account_organization_id,
        accounts.customer_id,
        accounts.is_startup_plan,
        invoices.status,
        invoices.created_at,
        invoices.currency,
        invoices.subscription_id,
        invoices.period_start_at,
        invoices.period_end_at,
        invoices.total_minor,
        invoices.starting_balance_minor,
        invoices.ending_balance_minor
    from {{ ref('stg_stripe__invoices') }} as invoices
    inner join {{ ref('invoice_statuses') }} as statuses
        on invoices.status = statuses.status
        and statuses.is_counted
    inner join {{ ref('int_billing_accounts') }} as accounts
        on invoices.stripe_customer_id = accounts.stripe_customer_id
        and not accounts.is_payment_only
    cross join {{ ref('int_data_day') }} as data_day
    where
        invoices.is_livemode
        and invoices.created_at < data_day.as_of_ts
),

terms as (
    select
        invoices.invoice_id,
        billing.organization_id,
        billing.updated_at,
        max(case when billing.startup_program is not null then 1 else 0 end) over (
            partition by invoices.invoice_id
        ) as is_on_startup_program,
        max(
            case
                when billing.annual_plan_start_at <= invoices.created_at
                    and billing.annual_plan_end_at >= invoices.created_at
                    then 1
                else 0
            end
        ) over (partition by invoices.invoice_id) as is_prepaid,
        row_number() over (
            partition by invoices.invoice_id
            order by
                case when billing.has_active_subscription then 0 else 1 end,
                links.organization_created_at,
                links.organization_id
        ) as terms_rank
    from invoices
    inner join {{ ref('int_stripe_customer_links') }} as links
        on invoices.stripe_customer_id = links.stripe_customer_id
        and (links.is_billed_here or links.organization_id = invoices.account_organization_id)
        and not links.is_internal
    inner join {{ ref('int_billing_versions') }} as billing
        on links.organization_id = billing.organization_id
        and invoices.created_at >= billing.valid_from
        and invoices.created_at < billing.valid_to
),

with_terms as (
    select
        invoices.*,
        terms.organization_id as terms_organization_id,
        terms.updated_at as billing_version_at,
        invoices.is_startup_plan or coalesce(terms.is_on_startup_program = 1, false) as is_on_startup_plan,
        coalesce(terms.is_prepaid = 1, false) as is_prepaid
    from invoices
    left join terms
        on invoices.invoice_id = terms.invoice_id
        and terms.terms_rank = 1
)

select
    invoice_id,
    stripe_customer_id,
    account_organization_id,
    customer_id,
    status,
    created_at,
    currency,
    subscription_id,
    period_start_at,
    period_end_at,
    total_minor,
    terms_organization_id,
    billing_version_at,
    is_on_startup_plan,
    is_prepaid,
    case
        when is_on_startup_plan and ending_balance_minor > starting_balance_minor
            then ending_balance_minor - starting_balance_minor
        else 0
    end as startup_credit_minor
from with_terms

{#- Of each customer's unpaid bills the oldest one after its last payment. Stripe keeps no history of a bill's status.
    -#}
with payments as (
    select customer_id, max(paid_on) as last_paid_on
    from {{ ref('int_paid_bills') }}
    group by customer_id
),

bills as (
    select
        accounts.customer_id,
        invoices.status,
        cast(invoices.created_at as date) as billed_on,
        data_day.as_of_date
    from {{ ref('stg_stripe__invoices') }} as invoices
    inner join {{ ref('int_billing_accounts') }} as accounts
        on invoices.stripe_customer_id = accounts.stripe_customer_id
    cross join {{ ref('int_data_day') }} as data_day
    where
        invoices.is_livemode
        and invoices.status in ('open', 'uncollectible')
        and invoices.total_minor > 0
        and invoices.created_at < data_day.as_of_ts
),

oldest as (
    select
        bills.customer_id,
        case bills.status when 'open' then 'bill_unpaid' else 'bill_uncollectible' end as signal,
        {{ dbt.datediff('min(bills.billed_on)', 'max(bills.as_of_date)', 'day') }} as figure,
        min(bills.billed_on) as billed_on
    from bills
    left join payments on bills.customer_id = payments.customer_id
    where coalesce(payments.last_paid_on < bills.billed_on, true)
    group by bills.customer_id, bills.status
)

select
    oldest.customer_id,
    oldest.signal,
    oldest.figure,
    {{ fires_from('oldest.billed_on') | indent }} as since
from oldest
inner join {{ ref('account_signals') }} as signals
    on oldest.signal = signals.signal
    and {{ fires('oldest.figure') | indent }}

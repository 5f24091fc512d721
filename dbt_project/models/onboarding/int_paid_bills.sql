{#- Only money counts as paid, not credit or balance. If Stripe does not say how much was paid, it is the total of a
    paid invoice less the balance that it used. A bill in a currency without a rate counts if anything was paid of it,
    since its customer is not new. -#}
with invoices as (
    select
        accounts.customer_id,
        invoices.invoice_id,
        invoices.paid_at,
        coalesce(
            invoices.amount_paid_minor,
            case
                when invoices.status = 'paid'
                    then invoices.total_minor
                        - coalesce(invoices.ending_balance_minor - invoices.starting_balance_minor, 0)
            end
        ) as amount_paid_minor,
        {{ usd_per_minor_unit('invoices.currency', 'rates') }} as usd_per_minor_unit
    from {{ ref('stg_stripe__invoices') }} as invoices
    inner join {{ ref('int_billing_accounts') }} as accounts
        on invoices.stripe_customer_id = accounts.stripe_customer_id
    cross join {{ ref('int_data_day') }} as data_day
    left join {{ ref('int_exchange_rates') }} as rates
        on invoices.currency = rates.currency
        and {{ month_of('invoices.paid_at') }} = rates.month
    where
        invoices.is_livemode
        and invoices.created_at < data_day.as_of_ts
        and invoices.paid_at < data_day.as_of_ts
)

select
    customer_id,
    invoice_id,
    cast(paid_at as date) as paid_on,
    {{ round_half_up('amount_paid_minor * usd_per_minor_unit') }} as paid_usd,
    cast(row_number() over (partition by customer_id order by paid_at, invoice_id) as int) as bill_number
from invoices
where
    amount_paid_minor > 0
    and coalesce(amount_paid_minor * usd_per_minor_unit > {{ threshold('paid_bill_above_usd') }}, true)

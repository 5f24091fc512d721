{#- The same units, discount and limit as in the bill: only prices differ. Startup credit goes on paying for its share of a
    product, so that what it covers whole stays covered. -#}
with candidate_tiers as (
    {{ price_tiers_of(ref('candidate_price_list')) | indent }}
),

usage as (
    select
        rated.invoice_id,
        rated.product_key,
        rated.period_start_on,
        rated.period_end_on,
        rated.month,
        rated.currency,
        rated.quantity,
        rated.is_subscribed,
        rated.discount_percent,
        rated.limit_usd,
        rated.bill_minor,
        greatest(cast({{ dbt.dateadd('day', -1, 'rated.period_end_on') }} as date), rated.period_start_on) as priced_on
    from {{ ref('int_rated_invoices') }} as rated
    inner join (select distinct product_key from candidate_tiers) as candidates
        on rated.product_key = candidates.product_key
    where rated.bill_minor is not null
),

rated as (
    {{ rate_usage('usage', ['invoice_id', 'period_start_on', 'product_key'], 'candidate_tiers') | indent }}
),

invoiced as (
    select
        invoice_id,
        product_key,
        cast(period_start_at as date) as period_start_on,
        cast(sum(net_minor) as bigint) as net_minor,
        cast(sum(startup_credit_minor) as bigint) as startup_credit_minor
    from {{ ref('int_invoice_lines') }}
    where is_mrr and not is_proration
    group by invoice_id, product_key, cast(period_start_at as date)
),

repriced as (
    select
        usage.invoice_id,
        usage.product_key,
        usage.period_start_on,
        usage.period_end_on,
        invoices.customer_id,
        invoices.is_on_startup_plan,
        usage.currency,
        usage.quantity,
        coalesce(invoiced.net_minor, 0) as invoiced_minor,
        coalesce(invoiced.startup_credit_minor, 0) as startup_credit_minor,
        cast(usage.bill_minor as bigint) as rated_minor,
        cast({{ usd_to_minor('rated.bill_usd', usd_per_minor_unit('usage.currency', 'rates')) }} as bigint) as candidate_minor
    from usage
    inner join rated
        on usage.invoice_id = rated.invoice_id
        and usage.period_start_on = rated.period_start_on
        and usage.product_key = rated.product_key
    inner join {{ ref('int_invoices') }} as invoices on usage.invoice_id = invoices.invoice_id
    left join invoiced
        on usage.invoice_id = invoiced.invoice_id
        and usage.period_start_on = invoiced.period_start_on
        and usage.product_key = invoiced.product_key
    left join {{ ref('int_exchange_rates') }} as rates
        on usage.month = rates.month
        and usage.currency = rates.currency
)

select
    invoice_id,
    product_key,
    period_start_on,
    period_end_on,
    customer_id,
    currency,
    quantity,
    invoiced_minor,
    rated_minor,
    candidate_minor,
    case
        when invoiced_minor > 0
            then {{ divide_half_up(
                'cast(candidate_minor - rated_minor as decimal(19, 0)) * (invoiced_minor - startup_credit_minor)',
                'invoiced_minor'
            ) }}
        when is_on_startup_plan then 0
        else candidate_minor - rated_minor
    end as mrr_change_minor,
    {{ months_covered('period_start_on', 'period_end_on') }} as slices
from repriced

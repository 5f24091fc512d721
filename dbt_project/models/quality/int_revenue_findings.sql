{#- Doubts about credit notes, subscriptions and joined organizations. They are counted as sent. -#}
with line_sums as (
    select invoice_id, sum(net_minor) as net_minor
    from {{ ref('int_invoice_lines') }}
    group by invoice_id
),

credited as (
    select invoice_id, sum(credited_minor) as credited_minor
    from {{ ref('int_credited_lines') }}
    group by invoice_id
),

invoices as (
    select
        counted.invoice_id,
        counted.stripe_customer_id,
        counted.currency,
        coalesce(credited.credited_minor, 0) - coalesce(line_sums.net_minor, 0) as overcredited_minor,
        credited.invoice_id is not null as is_credited
    from {{ ref('int_invoices') }} as counted
    left join line_sums on counted.invoice_id = line_sums.invoice_id
    left join credited on counted.invoice_id = credited.invoice_id
),

known_organizations as (
    select distinct organization_id
    from {{ ref('stg_product_db__organizations') }}
),

merges as (
    select
        merges.organization_id,
        merges.organization_id = merges.canonical_organization_id as is_to_itself,
        merged.organization_id is not null and canonical.organization_id is not null as is_known,
        from_customers.customer_id is not null and to_customers.customer_id is not null as is_of_a_ring
    from {{ ref('stg_crm__account_merges') }} as merges
    left join known_organizations as merged on merges.organization_id = merged.organization_id
    left join known_organizations as canonical on merges.canonical_organization_id = canonical.organization_id
    left join {{ ref('int_customers') }} as from_customers
        on merges.organization_id = from_customers.organization_id
        and merges.organization_id = from_customers.customer_id
    left join {{ ref('int_customers') }} as to_customers
        on merges.canonical_organization_id = to_customers.organization_id
),

findings as (
    select
        'credit_notes_above_invoice' as finding,
        invoice_id as subject,
        overcredited_minor as figure,
        'minor units of ' || currency || ' credited above its lines' as unit
    from invoices
    where is_credited and overcredited_minor > 0

    union all

    select 'invoices_of_deleted_stripe_customer', invoices.stripe_customer_id, count(*), 'invoices'
    from invoices
    inner join {{ ref('stg_stripe__customers') }} as customers
        on invoices.stripe_customer_id = customers.stripe_customer_id
        and customers.is_deleted
    group by invoices.stripe_customer_id

    union all

    select 'customer_in_several_currencies', customer_id, count(distinct currency), 'currencies'
    from {{ ref('int_invoice_lines') }}
    where is_mrr
    group by customer_id
    having count(distinct currency) > 1

    union all

    select 'subscription_ends_before_it_starts', subscription_id,
        {{ dbt.datediff('ended_at', 'created_at', 'second') }}, 'seconds'
    from {{ ref('stg_stripe__subscriptions') }}
    where is_livemode and ended_at < created_at

    union all

    select
        case
            when is_to_itself then 'merge_to_itself'
            when not is_known then 'merge_with_unknown_organization'
            else 'merges_in_a_ring'
        end,
        organization_id,
        1,
        'merges'
    from merges
    where is_to_itself or not is_known or is_of_a_ring
)

select finding, subject, cast(figure as decimal(38, 6)) as figure, unit
from findings

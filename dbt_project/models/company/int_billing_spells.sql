{#- Days at whose end a version of billing held, and its account: the Stripe customer that pays. An organization of
    the account without billing has no terms, but its usage is pooled with the others'; one that was removed has none
    from that day on, whatever billing says. Only accounts that have a subscription at some time. An impossible period (to
    the year 9999, or backwards) gives no forecast and is a finding. A removal has a stamp that no version has. -#}
{%- set no_terms -%}
    false,
    cast(null as date),
    cast(null as date),
    cast(0 as decimal(38, 10)),
    cast(null as {{ dbt.type_string() }}),
    cast(0 as decimal(38, 10)),
    cast(null as {{ dbt.type_string() }}),
    cast(null as date),
    cast(null as date)
{%- endset %}

with stripe_customers as (
    select customers.stripe_customer_id
    from {{ ref('stg_stripe__customers') }} as customers
    cross join {{ ref('int_data_day') }} as data_day
    where
        coalesce(customers.is_livemode, true)
        and not customers.is_payment_only
        and coalesce(customers.created_at < data_day.as_of_ts, true)
),

stated as (
    select
        versions.organization_id,
        organizations.created_at as organization_created_at,
        cast(organizations.removed_at as date) as removed_on,
        coalesce(
            stripe_customers.stripe_customer_id, links.stripe_customer_id, versions.organization_id
        ) as account_id,
        versions.updated_at,
        versions.has_active_subscription,
        case when not {{ is_no_period('versions') }} then cast(versions.current_period_start_at as date) end as period_start,
        case when not {{ is_no_period('versions') }} then cast(versions.current_period_end_at as date) end as period_end,
        versions.discount_percent,
        versions.platform_package,
        versions.credit_balance_usd,
        versions.startup_program,
        cast(versions.credit_expires_at as date) as credit_expires_on,
        cast(versions.free_trial_until as date) as trial_until,
        cast(versions.valid_from as date) as held_from,
        cast(versions.valid_to as date) as held_before
    from {{ ref('int_billing_versions') }} as versions
    inner join {{ ref('int_organizations') }} as organizations
        on versions.organization_id = organizations.organization_id
    left join stripe_customers on versions.stripe_customer_id = stripe_customers.stripe_customer_id
    left join {{ ref('int_stripe_customer_links') }} as links
        on versions.organization_id = links.organization_id
        and links.is_billed_here
    where cast(versions.valid_from as date) < cast(versions.valid_to as date)

    union all

    select
        organizations.organization_id,
        organizations.created_at,
        cast(organizations.removed_at as date),
        links.stripe_customer_id,
        cast('1900-01-01' as timestamp),
        {{ no_terms | indent(8) }},
        cast('1900-01-01' as date),
        cast('9999-12-31' as date)
    from {{ ref('int_organizations') }} as organizations
    inner join {{ ref('int_stripe_customer_links') }} as links
        on organizations.organization_id = links.organization_id
        and links.is_billed_here
        and not links.is_payment_only
    left join {{ ref('int_billing_versions') }} as versions
        on organizations.organization_id = versions.organization_id
    where versions.organization_id is null
),

spells as (
    select
        organization_id,
        organization_created_at,
        account_id,
        updated_at,
        has_active_subscription,
        period_start,
        period_end,
        discount_percent,
        platform_package,
        credit_balance_usd,
        startup_program,
        credit_expires_on,
        trial_until,
        held_from,
        least(held_before, coalesce(removed_on, held_before)) as held_before
    from stated
    where coalesce(held_from < removed_on, true)

    union all

    select
        organization_id,
        organization_created_at,
        account_id,
        cast('9999-12-31' as timestamp),
        {{ no_terms | indent(8) }},
        removed_on,
        cast('9999-12-31' as date)
    from stated
    where held_from <= removed_on and removed_on < held_before
),

since as (
    select
        organization_id,
        held_from,
        max(case when not has_active_subscription then held_before end) over (
            partition by organization_id
            order by held_from
            rows between unbounded preceding and current row
        ) as subscribed_on,
        min(period_start) over (
            partition by organization_id
            order by held_from
            rows between unbounded preceding and current row
        ) as first_period_start
    from spells
)

select
    spells.organization_id,
    spells.organization_created_at,
    spells.account_id,
    spells.updated_at,
    spells.has_active_subscription,
    spells.period_start,
    spells.period_end,
    coalesce(since.subscribed_on, since.first_period_start) as subscribed_on,
    spells.discount_percent,
    spells.platform_package,
    spells.credit_balance_usd,
    spells.startup_program,
    spells.credit_expires_on,
    spells.trial_until,
    spells.held_from,
    spells.held_before
from spells
inner join since
    on spells.organization_id = since.organization_id
    and spells.held_from = since.held_from
inner join (select distinct account_id from spells where has_active_subscription) as subscribers
    on spells.account_id = subscribers.account_id

{#- An account's credit is what was paid for it, and its bills are net of the discount: at list prices a contract bought
    the most credit that its account ever had on it, divided by what the discount leaves (here the other side of the
    comparison is multiplied by that). Credit above the last bound with a discount of the list is agreed one by one:
    nothing is above its list. -#}
with contracts as (
    select
        versions.organization_id,
        versions.annual_plan_start_at,
        coalesce(links.stripe_customer_id, versions.organization_id) as billed_to,
        max(versions.credit_balance_usd) as credit_usd,
        max(case when versions.is_current then versions.discount_percent end) as discount_percent
    from {{ ref('int_billing_versions') }} as versions
    left join {{ ref('int_stripe_customer_links') }} as links
        on versions.organization_id = links.organization_id
        and links.is_billed_here
    cross join {{ ref('int_data_day') }} as data_day
    where versions.annual_plan_start_at < data_day.as_of_ts and versions.annual_plan_end_at > data_day.as_of_ts
    group by
        versions.organization_id, versions.annual_plan_start_at,
        coalesce(links.stripe_customer_id, versions.organization_id)
),

list_prices as (
    select
        credit_from_usd,
        lead(credit_from_usd) over (order by credit_from_usd) as credit_below_usd,
        discount_percent
    from {{ ref('prepaid_discounts') }}
)

select
    contracts.billed_to,
    min(contracts.organization_id) as organization_id,
    max(contracts.discount_percent) as discount_percent,
    max(list_prices.discount_percent) as list_discount_percent
from contracts
inner join list_prices
    on 100 * contracts.credit_usd >= list_prices.credit_from_usd * (100 - contracts.discount_percent)
    and (
        list_prices.credit_below_usd is null
        or 100 * contracts.credit_usd < list_prices.credit_below_usd * (100 - contracts.discount_percent)
    )
where contracts.discount_percent > list_prices.discount_percent
group by contracts.billed_to

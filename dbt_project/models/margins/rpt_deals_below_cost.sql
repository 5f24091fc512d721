{#- An expansion comes on top of what the customer pays; any other deal replaces it. What is used today is what it will cost
    at least. -#}
with opportunities as (
    {{ version_on_data_day(
        ref('stg_crm__opportunities'),
        key=['opportunity_id'],
        stamp='updated_at',
        columns=['opportunity_id', 'account_id', 'opportunity_type', 'stage', 'amount_usd_year', 'created_at', 'closed_at'],
    ) | indent }}
),

accounts as (
    {{ version_on_data_day(
        ref('stg_crm__accounts'), key=['account_id'], stamp='updated_at', columns=['account_id', 'organization_id']
    ) | indent }}
),

deals as (
    select
        opportunities.opportunity_id,
        customers.customer_id,
        opportunities.opportunity_type,
        opportunities.stage,
        {{ usd('opportunities.amount_usd_year') }} as amount_usd_year,
        margins.month,
        margins.mrr_usd_month,
        12 * (margins.unit_cost_usd + coalesce(margins.account_cost_usd, 0)) as cost_usd_year,
        {{ usd('opportunities.amount_usd_year') }}
        + case when opportunities.opportunity_type = 'expansion' then 12 * margins.mrr_usd_month else 0 end as price_usd_year,
        data_day.as_of_date
    from opportunities
    cross join {{ ref('int_data_day') }} as data_day
    inner join accounts on opportunities.account_id = accounts.account_id
    inner join {{ ref('int_customers') }} as customers on accounts.organization_id = customers.organization_id
    inner join {{ ref('fct_margins_monthly') }} as margins
        on customers.customer_id = margins.customer_id
        and data_day.last_closed_month = margins.month
    where
        opportunities.created_at < data_day.as_of_ts
        and (opportunities.closed_at is null or opportunities.closed_at >= data_day.as_of_ts)
)

select
    deals.opportunity_id,
    deals.customer_id,
    organizations.name as customer_name,
    deals.opportunity_type,
    deals.stage,
    {{ usd('deals.amount_usd_year') }} as amount_usd_year,
    {{ usd('deals.price_usd_year') }} as price_usd_year,
    {{ usd('deals.cost_usd_year') }} as cost_usd_year,
    {{ usd('deals.price_usd_year - deals.cost_usd_year') }} as margin_usd_year,
    deals.as_of_date
from deals
left join {{ ref('int_organizations') }} as organizations on deals.customer_id = organizations.organization_id
where deals.price_usd_year < deals.cost_usd_year

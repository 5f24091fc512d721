with organizations as (
    select
        customer_id,
        cast(count(*) as int) as organizations,
        max(case when organization_id = customer_id then name end) as name,
        min(activated_at) as activated_at,
        count(*) = count(removed_at) as is_removed
    from {{ ref('dim_organizations') }}
    group by customer_id
),

mrr as (
    select
        monthly.customer_id,
        min(case when monthly.mrr_usd_month > 0 then monthly.month end) as first_paid_month,
        sum(case when monthly.month = data_day.last_closed_month then monthly.mrr_usd_month else 0 end) as mrr_usd_month,
        sum(case when monthly.month = data_day.last_closed_month then monthly.arr_usd_year else 0 end) as arr_usd_year
    from {{ ref('fct_mrr_monthly') }} as monthly
    cross join {{ ref('int_data_day') }} as data_day
    group by monthly.customer_id
),

accounts as (
    {{ version_on_data_day(
        ref('stg_crm__accounts'),
        key=['account_id'],
        stamp='updated_at',
        columns=['account_id', 'organization_id', 'is_do_not_contact'],
    ) | indent }}
),

closed_to_mail as (
    select distinct members.customer_id
    from accounts
    inner join {{ ref('int_customers') }} as members on accounts.organization_id = members.organization_id
    where accounts.is_do_not_contact
),

customers as (
    select
        organizations.customer_id,
        organizations.name,
        organizations.organizations,
        organizations.activated_at,
        organizations.is_removed,
        mrr.first_paid_month,
        coalesce(mrr.mrr_usd_month, 0) as mrr_usd_month,
        coalesce(mrr.arr_usd_year, 0) as arr_usd_year,
        case when mrr.arr_usd_year > 0 then mrr.arr_usd_year else 0 end as banded_usd_year,
        owners.owner_email,
        closed_to_mail.customer_id is not null as is_do_not_contact,
        coverage.coverage,
        routing.suggested_owner_role,
        coalesce(health.health, 'unknown') as health
    from organizations
    left join mrr on organizations.customer_id = mrr.customer_id
    left join {{ ref('int_customer_owners') }} as owners
        on organizations.customer_id = owners.customer_id
        and owners.owner_rank = 1
    left join closed_to_mail on organizations.customer_id = closed_to_mail.customer_id
    left join {{ ref('int_customer_coverage') }} as coverage on organizations.customer_id = coverage.customer_id
    left join {{ ref('fct_account_routing') }} as routing on organizations.customer_id = routing.customer_id
    left join {{ ref('int_customer_health') }} as health
        on organizations.customer_id = health.customer_id
        and health.weeks_ago = 0
)

select
    customers.customer_id,
    customers.name,
    customers.organizations,
    customers.first_paid_month,
    {{ usd('customers.mrr_usd_month') }} as mrr_usd_month,
    {{ usd('customers.arr_usd_year') }} as arr_usd_year,
    tiers.tier as size_tier,
    bands.band as arr_mix_band,
    customers.coverage,
    customers.suggested_owner_role,
    customers.owner_email,
    customers.is_do_not_contact,
    customers.health,
    {{ lifecycle(
        'customers.mrr_usd_month', 'customers.first_paid_month', 'customers.activated_at', 'customers.is_removed'
    ) }} as lifecycle
from customers
left join {{ ref('int_size_tiers') }} as tiers
    on customers.banded_usd_year >= tiers.arr_from_usd_year
    and customers.banded_usd_year < tiers.arr_below_usd_year
left join {{ ref('int_arr_mix_bands') }} as bands
    on customers.banded_usd_year >= bands.arr_from_usd_year
    and customers.banded_usd_year < bands.arr_below_usd_year

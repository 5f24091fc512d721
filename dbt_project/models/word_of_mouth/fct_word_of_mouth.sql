with generations as (
    select organization_id, max(generations) as generation
    from {{ ref('int_word_of_mouth_ancestors') }}
    group by organization_id
)

select
    carried.organization_id,
    organizations.customer_id,
    carried.carrier,
    carried.from_organization_id,
    origins.customer_id as from_customer_id,
    cast(generations.generation as int) as generation,
    cast(organizations.created_at as date) as carried_on,
    organizations.signup_channel,
    organizations.lifecycle,
    organizations.arr_usd_year,
    data_day.as_of_date
from {{ ref('int_carried_organizations') }} as carried
inner join generations on carried.organization_id = generations.organization_id
inner join {{ ref('dim_organizations') }} as organizations on carried.organization_id = organizations.organization_id
inner join {{ ref('int_customers') }} as origins on carried.from_organization_id = origins.organization_id
cross join {{ ref('int_data_day') }} as data_day

with counted as (
    select
        product_key,
        icp_segment,
        count(*) as customers,
        sum(case when state = 'could_be' then 1 else 0 end) as could_be,
        sum(case when state = 'unknown' then 1 else 0 end) as unknown_customers,
        max(case when state = 'could_be' and place = {{ threshold('reference_customers') }} then could_be_since end) as complete_since
    from {{ ref('rpt_reference_customers') }}
    group by product_key, icp_segment
),

{#- Without enrichment nobody is known to be in the ICP, and without a CRM nobody to be one that may be asked. -#}
known as (
    select
        enrichment.companies > 0 as has_segments,
        enrichment.companies > 0 and crm.accounts > 0 as has_states
    from (select count(*) as companies from {{ ref('stg_enrichment__companies') }}) as enrichment
    cross join (select count(*) as accounts from {{ ref('stg_crm__accounts') }}) as crm
)

select
    products.product_key,
    segments.segment as icp_segment,
    cast(case when known.has_segments then coalesce(counted.customers, 0) end as int) as customers,
    cast(case when known.has_states then coalesce(counted.could_be, 0) end as int) as could_be,
    cast(case when known.has_segments then coalesce(counted.unknown_customers, 0) end as int) as unknown_customers,
    cast({{ threshold('reference_customers') }} as int) as wanted,
    cast(
        case when known.has_states then greatest({{ threshold('reference_customers') }} - coalesce(counted.could_be, 0), 0) end
        as int
    ) as still_missing,
    counted.complete_since,
    data_day.as_of_date
from {{ ref('products') }} as products
inner join {{ ref('segments') }} as segments on segments.segment in ('high_growth', 'high_potential')
cross join {{ ref('int_data_day') }} as data_day
cross join known
left join counted
    on products.product_key = counted.product_key
    and segments.segment = counted.icp_segment
where not products.is_package and not products.is_credit

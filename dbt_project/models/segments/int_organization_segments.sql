select
    companies.organization_id,
    companies.created_on,
    companies.company_domain,
    companies.domain is not null and companies.match <> 'free_mail' as is_work_mail,
    segments.span_id,
    segments.icp_segment,
    segments.icp_confidence,
    case when segments.icp_segment <> 'hobbyist' then coalesce(precedence.precedence, 1000) end as list_order,
    case when segments.unknown_reason = 'no_address' then companies.match else segments.unknown_reason end as unknown_reason
from {{ ref('int_organization_companies') }} as companies
cross join {{ ref('int_data_day') }} as data_day
inner join {{ ref('int_segment_spans') }} as segments
    on companies.company_key = segments.company_key
    and data_day.as_of_date >= segments.valid_from
    and data_day.as_of_date < segments.valid_to
left join {{ ref('segments') }} as precedence
    on segments.icp_segment = precedence.segment
    and precedence.kind = 'segment'

select
    differences.month,
    differences.cause,
    differences.customer_id,
    organizations.name as customer_name,
    differences.product_key,
    differences.invoice_id,
    {{ usd('sum(differences.difference_usd)') }} as difference_usd,
    data_day.as_of_date
from {{ ref('int_closed_line_differences') }} as differences
cross join {{ ref('int_data_day') }} as data_day
left join {{ ref('int_organizations') }} as organizations on differences.customer_id = organizations.organization_id
group by
    differences.month,
    differences.cause,
    differences.customer_id,
    organizations.name,
    differences.product_key,
    differences.invoice_id,
    data_day.as_of_date
having sum(differences.difference_usd) <> 0

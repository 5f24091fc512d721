{{ asked_criteria(
    ref('int_organization_facts'),
    'organization_id',
    'asked.as_of_date',
    dict(company_facts(), **organization_facts()),
    kinds=['flag', 'bonus'],
) }}

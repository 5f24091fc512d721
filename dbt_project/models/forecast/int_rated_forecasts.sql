{{ rate_usage(
    ref('int_quantities_to_rate'),
    ['account_organization_id', 'as_of_date', 'product_key', 'basis', 'quantity', 'limit_usd']
) }}

{{ built_by_days('as_of_date') }}

select
    account_organization_id as organization_id,
    product_key,
    cast(sum(case when basis = 'to_date' then quantity else 0 end) as decimal(24, 6)) as quantity_to_date,
    cast(sum(case when basis = 'forecast' then quantity else 0 end) as decimal(24, 6)) as projected_quantity,
    {{ usd("sum(case when basis = 'forecast' then list_usd else 0 end)") }} as list_usd,
    {{ usd("sum(case when basis = 'forecast' then after_discount_usd else 0 end)") }} as after_discount_usd,
    {{ usd('max(limit_usd)') }} as limit_usd,
    {{ usd("sum(case when basis = 'forecast' then bill_usd else 0 end)") }} as bill_usd,
    {{ usd("sum(case when basis = 'to_date' then bill_usd else 0 end)") }} as bill_to_date_usd,
    max(case when is_price_assumed then 1 else 0 end) = 1 as is_price_assumed,
    as_of_date
from {{ ref('int_rated_forecasts') }}
where basis in ('to_date', 'forecast')
group by account_organization_id, as_of_date, product_key

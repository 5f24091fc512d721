{#- Units of each product in an open period: to date, expected by its end, and by the vendor's published rule. -#}
with quantities as (
    select
        accounts.account_id,
        accounts.account_organization_id,
        accounts.as_of_date,
        products.product_key,
        accounts.subscribed_on,
        accounts.period_days,
        accounts.day_of_period,
        cast(products.quantity_so_far - coalesce(before.quantity_so_far, 0) as decimal(22, 6)) as quantity_to_date,
        products.quantity_7_days,
        products.recent_quantity,
        products.recent_days
    from {{ ref('int_account_days') }} as accounts
    inner join {{ ref('int_account_product_days') }} as products
        on accounts.account_id = products.account_id
        and accounts.as_of_date = products.date
    left join {{ ref('int_account_product_days') }} as before
        on accounts.account_id = before.account_id
        and products.product_key = before.product_key
        and before.date = {{ dbt.dateadd('day', -1, 'accounts.period_start') }}
)

select
    account_id,
    account_organization_id,
    as_of_date,
    product_key,
    quantity_to_date,
    cast(
        quantity_to_date + case
            when recent_days = 0 then 0
            else {{ divide_half_up(
                'cast(recent_quantity * 1000000 as decimal(38, 0)) * (period_days - day_of_period)', 'recent_days'
            ) }} * 0.000001
        end as decimal(22, 6)
    ) as projected_quantity,
    cast(
        case
            when {{ dbt.datediff('subscribed_on', 'as_of_date', 'day') }} < 31 then quantity_to_date
            when day_of_period <= 7
                then quantity_to_date + {{ divide_half_up(
                    'cast(quantity_7_days * 1000000 as decimal(38, 0)) * (period_days - day_of_period)', '7'
                ) }} * 0.000001
            else {{ divide_half_up(
                'cast(quantity_to_date * 1000000 as decimal(38, 0)) * period_days', 'day_of_period'
            ) }} * 0.000001
        end as decimal(22, 6)
    ) as published_rule_quantity
from quantities

{#- What the organizations of a billing account used together, by day and product. -#}
select
    spells.account_id,
    usage.product_key,
    usage.date,
    cast(sum(usage.quantity) as decimal(22, 6)) as quantity
from {{ ref('fct_usage_daily') }} as usage
inner join {{ ref('int_billing_spells') }} as spells
    on usage.organization_id = spells.organization_id
    and usage.date >= spells.held_from
    and usage.date < spells.held_before
group by spells.account_id, usage.product_key, usage.date

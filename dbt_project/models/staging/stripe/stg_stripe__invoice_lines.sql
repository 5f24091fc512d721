{#- Stripe has moved the subscription, the product, the taxes and the proration of a line between versions of its API:
    both shapes are read. A line is known by its place in the invoice: its id may stand there twice. Reading Stripe's
    objects is dear, so lines of invoices that are the same stay as they were read. -#}
{{ config(materialized='table') }}
{%- set columns = [
    'invoice_id', 'line_number', 'line_id', 'subscription_id',
    'names_subscription', 'line_kind', 'is_proration', 'stripe_product_id',
    'stripe_price_id', 'price_type', 'price_months', 'description',
    'amount_minor', 'discount_minor', 'credit_grant_minor', 'inclusive_tax_minor',
    'exclusive_tax_minor', 'period_start_at', 'period_end_at', 'made_of',
] -%}
{%- set keeps_rows = has_rows_to_keep(columns) -%}
{%- set rows -%}
{{ json_array_rows('invoices', ['id', 'made_of'], 'payload', 'lines.data') }} as line
{%- endset -%}

with {% if keeps_rows -%}
kept as (
    select
        {% for column in columns -%}
        before.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ this }} as before
    inner join {{ source('stripe', 'invoices') }} as invoices
        on before.invoice_id = invoices.id
        and before.made_of = invoices._row_hash || ' {{ project_fingerprint() }}'
),

changed as (
    select invoices.id
    from {{ source('stripe', 'invoices') }} as invoices
    left join (select distinct invoice_id from kept) as known on invoices.id = known.invoice_id
    where known.invoice_id is null
),

{% endif -%}
invoices as (
    select
        invoices.id,
        invoices.payload,
        invoices._row_hash || ' {{ project_fingerprint() }}' as made_of
    from {{ source('stripe', 'invoices') }} as invoices
    {% if keeps_rows -%}
    inner join changed on invoices.id = changed.id
    {%- endif %}
),

lines as (
    {{ json_fields(
        rows,
        column='line.value',
        keep={
            'line.id': 'invoice_id',
            'line.number': 'line_number',
            'line.made_of': 'made_of',
            json_array_sum('line.value', 'discount_amounts', 'amount'): 'discount_minor',
            json_array_sum('line.value', 'pretax_credit_amounts', 'amount'): 'pretax_credit_minor',
            json_array_sum('line.value', 'pretax_credit_amounts', 'amount', where='type', equals='discount'):
                'pretax_discount_minor',
            inclusive_tax_minor('line.value', 'amount', 'amount_excluding_tax'): 'inclusive_tax_minor',
            listed_tax_minor('line.value'): 'listed_tax_minor',
        },
        fields={
            'line_id': 'id',
            'old_type': 'type',
            'old_subscription': 'subscription',
            'old_subscription_item': 'subscription_item',
            'old_proration': 'proration',
            'old_price': 'price.id',
            'old_product': 'price.product',
            'old_price_type': 'price.type',
            'old_interval': 'price.recurring.interval',
            'old_interval_count': 'price.recurring.interval_count',
            'plan_product': 'plan.product',
            'plan_interval': 'plan.interval',
            'plan_interval_count': 'plan.interval_count',
            'new_type': 'parent.type',
            'new_subscription': 'parent.subscription_item_details.subscription',
            'new_subscription_item': 'parent.subscription_item_details.subscription_item',
            'new_proration': 'parent.subscription_item_details.proration',
            'new_item_subscription': 'parent.invoice_item_details.subscription',
            'new_item_proration': 'parent.invoice_item_details.proration',
            'new_price': 'pricing.price_details.price',
            'new_product': 'pricing.price_details.product',
            'description': 'description',
            'amount': 'amount',
            'period_start': 'period.start',
            'period_end': 'period.end',
        },
    ) | indent }}
)

select
    invoice_id,
    cast(line_number as int) as line_number,
    line_id,
    coalesce(old_subscription, new_subscription, new_item_subscription) as subscription_id,
    coalesce(
        old_subscription, old_subscription_item, new_subscription, new_subscription_item, new_item_subscription
    ) is not null as names_subscription,
    case
        when new_type = 'subscription_item_details' or right(new_type, 20) = 'subscription_details' then 'subscription'
        when new_type = 'invoice_item_details' then 'invoice_item'
        when new_type is not null then 'unknown'
        when coalesce(new_subscription, new_subscription_item, new_proration) is not null then 'subscription'
        when coalesce(new_item_subscription, new_item_proration) is not null then 'invoice_item'
        when old_type = 'subscription' then 'subscription'
        when old_type = 'invoiceitem' then 'invoice_item'
        when old_type is not null then 'unknown'
    end as line_kind,
    coalesce(old_proration, new_proration, new_item_proration, 'false') = 'true' as is_proration,
    coalesce(old_product, plan_product, new_product) as stripe_product_id,
    coalesce(old_price, new_price) as stripe_price_id,
    coalesce(
        old_price_type, case when coalesce(old_interval, plan_interval) is not null then 'recurring' end
    ) as price_type,
    coalesce(
        {{ price_months('old_interval', 'old_interval_count') }},
        {{ price_months('plan_interval', 'plan_interval_count') }}
    ) as price_months,
    description,
    cast(amount as bigint) - inclusive_tax_minor as amount_minor,
    discount_minor,
    pretax_credit_minor - pretax_discount_minor as credit_grant_minor,
    inclusive_tax_minor,
    listed_tax_minor - inclusive_tax_minor as exclusive_tax_minor,
    {{ from_unix_seconds('period_start') }} as period_start_at,
    {{ from_unix_seconds('period_end') }} as period_end_at,
    made_of
from lines
{% if keeps_rows %}
union all

select
    {% for column in columns -%}
    {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from kept
{%- endif %}

{#- Usage of a closed period is not added up again until something of it changes: its days, its bounds, or who is billed
    with the account. A period without usage has a row, so that it is known to have none. -#}
{%- set keeps_rows = has_rows_to_keep(
    ['invoice_id', 'period_start_on', 'product_key', 'quantity', 'made_of', 'turn']
) -%}

with linked as (
    select stripe_customer_id, sum({{ row_fingerprint(['organization_id']) }}) as fingerprint
    from {{ ref('int_stripe_customer_links') }}
    where is_billed_here
    group by stripe_customer_id
),

periods as (
    select
        periods.invoice_id,
        periods.stripe_customer_id,
        periods.period_start_on,
        periods.period_end_on,
        cast({{ row_fingerprint(
            ['periods.stripe_customer_id', 'periods.period_end_on', 'linked.fingerprint']
        ) }} as {{ dbt.type_string() }}) as made_of
    from {{ ref('int_invoice_line_periods') }} as periods
    left join linked on periods.stripe_customer_id = linked.stripe_customer_id
),

{% if keeps_rows -%}
kept as (
    select
        before.invoice_id,
        before.period_start_on,
        before.product_key,
        before.quantity,
        before.made_of
    from {{ this }} as before
    inner join periods
        on before.invoice_id = periods.invoice_id
        and before.period_start_on = periods.period_start_on
        and before.made_of = periods.made_of
    where periods.period_end_on <= {{ first_day_of_usage_rebuilt() }}
),

changed as (
    select periods.*
    from periods
    left join (select distinct invoice_id, period_start_on from kept) as known
        on periods.invoice_id = known.invoice_id
        and periods.period_start_on = known.period_start_on
    where known.invoice_id is null
),
{%- else -%}
changed as (
    select * from periods
),
{%- endif %}

days as (
    select
        changed.invoice_id,
        changed.stripe_customer_id,
        changed.period_start_on,
        days.date
    from changed
    inner join {{ ref('int_history_days') }} as days
        on days.date >= changed.period_start_on
        and days.date < changed.period_end_on
),

usage as (
    select
        days.invoice_id,
        days.period_start_on,
        usage.product_key,
        cast(sum(usage.quantity) as decimal(24, 6)) as quantity
    from {{ ref('fct_usage_daily') }} as usage
    inner join {{ ref('int_stripe_customer_links') }} as links
        on usage.organization_id = links.organization_id
        and links.is_billed_here
    inner join days
        on links.stripe_customer_id = days.stripe_customer_id
        and usage.date = days.date
    group by days.invoice_id, days.period_start_on, usage.product_key
)

select
    changed.invoice_id,
    changed.period_start_on,
    usage.product_key,
    coalesce(usage.quantity, cast(0 as decimal(24, 6))) as quantity,
    changed.made_of,
    {{ this_turn() }} as turn
from changed
left join usage
    on changed.invoice_id = usage.invoice_id
    and changed.period_start_on = usage.period_start_on
{%- if keeps_rows %}

union all

select
    invoice_id,
    period_start_on,
    product_key,
    quantity,
    made_of,
    {{ this_turn() }} as turn
from kept
{%- endif %}

{#- A pass over the long table costs what all of history does: months whose usage was not built again stay as they are. -#}
{%- set keeps_rows = has_rows_to_keep(['organization_id', 'product_key', 'month', 'first_day', 'last_day', 'quantity', 'turn']) -%}
{%- set first_day = first_day_of_usage_rebuilt() if keeps_rows -%}

select
    organization_id,
    product_key,
    {{ month_of('date') }} as month,
    min(date) as first_day,
    max(date) as last_day,
    cast(sum(quantity) as decimal(38, 6)) as quantity,
    {{ this_turn() }} as turn
from {{ ref('fct_usage_daily') }}
{% if keeps_rows -%}
where date >= {{ month_of(first_day) }}
{% endif -%}
group by organization_id, product_key, {{ month_of('date') }}
{%- if keeps_rows %}

union all

select
    organization_id,
    product_key,
    month,
    first_day,
    last_day,
    quantity,
    {{ this_turn() }} as turn
from {{ this }}
where month < {{ month_of(first_day) }}
{%- endif %}

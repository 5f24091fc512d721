{#- The same figures of MRR as invoiced and, with the prefix, of MRR without spikes and one-off credits. -#}
{%- set variants = {'': 'mrr_usd_month', 'adjusted_': 'adjusted_mrr_usd_month'} -%}

with pairs as (
    select
        present.month,
        windows.base_months,
        {% for prefix, mrr in variants.items() -%}
        {{ arr_usd_year('base.' ~ mrr) }} >= {{ threshold('retention_floor_usd_year') }} as {{ prefix }}is_in_base,
        base.{{ mrr }} as {{ prefix }}base_mrr,
        present.{{ mrr }} as {{ prefix }}current_mrr{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('rpt_mrr_adjusted') }} as base
    cross join {{ ref('retention_windows') }} as windows
    inner join {{ ref('rpt_mrr_adjusted') }} as present
        on base.customer_id = present.customer_id
        and present.month = {{ dbt.dateadd('month', 'windows.base_months', 'base.month') }}
),

sums as (
    select
        month,
        base_months,
        {% for prefix in variants -%}
        sum(case when {{ prefix }}is_in_base then 1 else 0 end) as {{ prefix }}customers_in_base,
        sum(case when {{ prefix }}is_in_base then {{ prefix }}base_mrr else 0 end) as {{ prefix }}base_mrr,
        sum(case when {{ prefix }}is_in_base then {{ prefix }}current_mrr else 0 end) as {{ prefix }}current_mrr,
        sum(
            case
                when not {{ prefix }}is_in_base then 0
                when {{ prefix }}current_mrr < {{ prefix }}base_mrr then {{ prefix }}current_mrr
                else {{ prefix }}base_mrr
            end
        ) as {{ prefix }}kept_mrr,
        sum(case when {{ prefix }}is_in_base and {{ prefix }}current_mrr > 0 then 1 else 0 end) as {{ prefix }}kept_customers
        {{- ',' if not loop.last }}
        {% endfor %}
    from pairs
    group by month, base_months
)

select
    month,
    base_months,
    {% for prefix in variants -%}
    cast({{ prefix }}customers_in_base as int) as {{ prefix }}customers_in_base,
    {{ usd(prefix ~ 'base_mrr') }} as {{ prefix }}base_mrr_usd_month,
    {{ usd(prefix ~ 'current_mrr') }} as {{ prefix }}current_mrr_usd_month,
    {{ usd(prefix ~ 'kept_mrr') }} as {{ prefix }}kept_mrr_usd_month,
    {{ ratio(prefix ~ 'current_mrr', prefix ~ 'base_mrr') }} as {{ prefix }}ndr,
    {{ ratio(prefix ~ 'kept_mrr', prefix ~ 'base_mrr') }} as {{ prefix }}gdr,
    {{ ratio(prefix ~ 'kept_customers', prefix ~ 'customers_in_base') }} as {{ prefix }}logo_retention
    {{- ',' if not loop.last }}
    {% endfor %}
from sums

{#- Of an organization's people each active one has a role; the one that gives the most points counts. -#}
with companies as (
    select
        segments.organization_id,
        segments.is_work_mail,
        spans.has_free_mail,
        spans.employees,
        spans.revenue_usd_year,
        spans.founded_year,
        spans.country,
        spans.company_type
    from {{ ref('int_organization_segments') }} as segments
    inner join {{ ref('int_company_spans') }} as spans on segments.span_id = spans.span_id
)

{% for field in ['employees', 'revenue_usd_year', 'founded_year'] -%}
select organization_id, '{{ field }}' as field, {{ field }} as number, cast(null as {{ dbt.type_string() }}) as value
from companies
where {{ field }} is not null

union all

{% endfor -%}
{% for field in ['country', 'company_type'] -%}
select organization_id, '{{ field }}' as field, cast(null as decimal(22, 2)) as number, {{ field }} as value
from companies
where {{ field }} is not null

union all

{% endfor -%}
select
    organization_id,
    'has_work_mail' as field,
    cast(null as decimal(22, 2)) as number,
    case when is_work_mail then 'true' else 'false' end as value
from companies
where has_free_mail is not null

{% for field, column in [('role', 'score_role'), ('sub_role', 'sub_role')] %}
union all

select distinct organization_id, '{{ field }}' as field, cast(null as decimal(22, 2)) as number, {{ column }} as value
from {{ ref('int_member_roles') }}
where is_active
{% endfor %}

{#- The facts that a criterion may be about, by name, with their kind. A new fact is a column here and in the model that
    gives it; a criterion on one of these is a row of seed `segment_criteria`. -#}
{% macro company_facts() -%}
    {{ return({
        'employees': 'number',
        'employees_180d_ago': 'number',
        'engineering_employees': 'number',
        'revenue_usd_month': 'number',
        'revenue_usd_year': 'number',
        'consumer_users_month': 'number',
        'total_funding_usd': 'number',
        'founded_year': 'number',
        'social_followers': 'number',
        'has_leading_investor': 'boolean',
        'has_leading_accelerator': 'boolean',
        'has_top_tier_founders': 'boolean',
        'is_in_tech_city': 'boolean',
        'is_public': 'boolean',
        'is_side_project': 'boolean',
        'has_free_mail': 'boolean',
        'company_type': 'text',
        'last_round': 'text',
        'country': 'text',
        'industry': 'text',
    }) }}
{%- endmacro %}


{#- Facts that only flags may use: they come from the product and from billing, and have no history. -#}
{% macro organization_facts() -%}
    {{ return({
        'is_icp': 'boolean',
        'has_engineer_who_pays': 'boolean',
        'months_retained': 'number',
        'has_day_job_at_icp': 'boolean',
    }) }}
{%- endmacro %}


{#- Each criterion in force, asked of each row of `relation`, in three values: is_met is true, false, or null where the
    fact is not known. Takes the key of the relation, the day whose criteria are in force (of `asked`, the relation), the
    facts that its columns are, and the kinds of segments. -#}
{% macro asked_criteria(relation, key, on_day, facts, kinds) -%}
    select
        {{ key }},
        segment,
        criterion,
        criteria_group,
        field,
        may_be_absent,
        case
            when observed_number is null then observed_text
            when bound = 'true' or bound = 'false' then case when observed_number = 1 then 'true' else 'false' end
            when observed_number = floor(observed_number) then cast(cast(observed_number as bigint) as {{ dbt.type_string() }})
            else cast(observed_number as {{ dbt.type_string() }})
        end as observed,
        operator || ' ' || bound as threshold,
        case
            when observed_number is null and observed_text is null then null
            when operator = '>=' then observed_number >= bound_number
            when operator = '>' then observed_number > bound_number
            when operator = '<=' then observed_number <= bound_number
            when operator = '<' then observed_number < bound_number
            when operator = '=' then coalesce(observed_number = bound_number, observed_text = bound)
            when operator = '<>' then coalesce(observed_number <> bound_number, observed_text <> bound)
        end as is_met
    from (
        select
            asked.{{ key }},
            criteria.segment,
            criteria.criterion,
            criteria.criteria_group,
            criteria.field,
            criteria.operator,
            criteria.bound,
            case
                when criteria.bound = 'true' then cast(1 as decimal(22, 2))
                when criteria.bound = 'false' then cast(0 as decimal(22, 2))
                else {{ dbt.safe_cast('criteria.bound', 'decimal(22, 2)') }}
            end as bound_number,
            criteria.may_be_absent,
            case criteria.field
                {%- for fact, kind in facts.items() if kind != 'text' %}
                when '{{ fact }}' then
                    {%- if kind == 'number' %} asked.{{ fact }}
                    {%- else %} case when asked.{{ fact }} then 1 when not asked.{{ fact }} then 0 end
                    {%- endif %}
                {%- endfor %}
            end as observed_number,
            case criteria.field
                {%- for fact, kind in facts.items() if kind == 'text' %}
                when '{{ fact }}' then asked.{{ fact }}
                {%- endfor %}
            end as observed_text
        from {{ relation }} as asked
        inner join {{ ref('segment_criteria') }} as criteria
            on {{ on_day }} >= coalesce(criteria.valid_from, cast('1900-01-01' as date))
            and {{ on_day }} < coalesce(criteria.valid_to, cast('9999-12-31' as date))
        inner join {{ ref('segments') }} as segments
            on criteria.segment = segments.segment
            and segments.kind in ('{{ kinds | join("', '") }}')
    ) as observations
{%- endmacro %}


{#- How far each segment is met, from the answers of `asked_criteria`: 3 met, 2 met but for facts that may be absent for
    good, 1 open for a missing fact, 0 not met. A group is met by any of its criteria, and a segment is as its weakest
    group. -#}
{% macro criteria_group_states(relation, key) -%}
    select
        {{ key }},
        segment,
        criteria_group,
        case
            when max(case when is_met then 1 else 0 end) = 1 then 3
            when max(case when is_met is null and not may_be_absent then 1 else 0 end) = 1 then 1
            when max(case when is_met is null then 1 else 0 end) = 1 then 2
            else 0
        end as state
    from {{ relation }}
    group by {{ key }}, segment, criteria_group
{%- endmacro %}


{#- A figure of an enrichment service as a number; what is below zero, or too large to be true, is not known. -#}
{% macro number_from_zero(column) -%}
    case when {{ column }} >= 0 then {{ dbt.safe_cast(column, 'decimal(22, 2)') }} end
{%- endmacro %}


{#- The same where zero makes no sense either. -#}
{% macro positive_number(column) -%}
    case when {{ column }} > 0 then {{ dbt.safe_cast(column, 'decimal(22, 2)') }} end
{%- endmacro %}


{#- A share of a whole number in percent with two decimals; null of nothing. -#}
{% macro percent_of(part, whole) -%}
    cast({{ divide_half_up('10000 * ' ~ part, whole) }} * cast(0.01 as decimal(20, 2)) as decimal(5, 2))
{%- endmacro %}

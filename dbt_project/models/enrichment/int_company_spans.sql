{#- What was known of a company, and when. A span ends with the next answer, when its answer turns stale, on the day of
    the initial public offering, and where a row of seed `segment_criteria` begins or ends. Organizations without a
    company share spans of their own, in which only the address is known. -#}
{%- set facts = [
    'employees', 'employees_180d_ago', 'engineering_employees', 'revenue_usd_year', 'consumer_users_month', 'total_funding_usd',
    'founded_year', 'social_followers', 'is_side_project', 'has_leading_investor', 'has_leading_accelerator',
    'has_top_tier_founders', 'is_in_tech_city', 'company_type', 'last_round', 'country', 'industry',
] -%}

with answers as (
    select
        *,
        cast(
            {{ dbt.dateadd('day', 'cast(1 + ' ~ threshold('enrichment_stale_days') ~ ' as int)', 'enriched_on') }} as date
        ) as stale_from
    from {{ ref('int_company_answers') }}
),

keys as (
    select
        domain as company_key,
        valid_from as answer_from,
        valid_to as answer_to,
        stale_from,
        ipo_date
    from answers

    union all

    select distinct
        company_key,
        cast('1900-01-01' as date) as answer_from,
        cast('9999-12-31' as date) as answer_to,
        cast(null as date) as stale_from,
        cast(null as date) as ipo_date
    from {{ ref('int_organization_companies') }}
    where company_domain is null
),

criteria_days as (
    select valid_from as day from {{ ref('segment_criteria') }}
    union
    select valid_to as day from {{ ref('segment_criteria') }}
),

breaks as (
    select company_key, answer_from, answer_to, answer_from as day from keys
    union
    select company_key, answer_from, answer_to, stale_from as day from keys
    union
    select company_key, answer_from, answer_to, ipo_date as day from keys
    union
    select keys.company_key, keys.answer_from, keys.answer_to, criteria_days.day
    from keys
    inner join criteria_days on criteria_days.day > keys.answer_from and criteria_days.day < keys.answer_to
),

spans as (
    select
        breaks.company_key,
        breaks.answer_from,
        breaks.day as valid_from,
        cast(
            lead(breaks.day, 1, cast('9999-12-31' as date)) over (partition by breaks.company_key order by breaks.day)
            as date
        ) as valid_to
    from breaks
    cross join {{ ref('int_data_day') }} as data_day
    where
        breaks.day >= breaks.answer_from
        and breaks.day < breaks.answer_to
        and breaks.day <= data_day.as_of_date
),

dated as (
    select
        spans.company_key,
        spans.valid_from,
        spans.valid_to,
        answers.status,
        coalesce(spans.valid_from >= answers.stale_from, false) as is_stale,
        answers.ipo_date,
        types.is_public as is_public_type,
        {%- for fact in facts %}
        answers.{{ fact }}{{ ',' if not loop.last }}
        {%- endfor %}
    from spans
    left join answers
        on spans.company_key = answers.domain
        and spans.answer_from = answers.valid_from
    left join {{ ref('company_types') }} as types on lower(trim(answers.company_type)) = types.company_type
)

select
    cast(row_number() over (order by company_key, valid_from) as bigint) as span_id,
    company_key,
    valid_from,
    valid_to,
    case
        when company_key = 'free mail' then 'free_mail'
        when company_key = 'no company' then 'not_enriched'
        when company_key = 'no address' then 'no_address'
        when is_stale then 'stale'
        when status <> 'scored' then status
        else 'missing_fact'
    end as unknown_reason,
    case company_key when 'no address' then null when 'free mail' then true else false end as has_free_mail,
    case
        when not is_stale
            then {{ usd(divide_cut('100 * cast(revenue_usd_year as decimal(20, 2))', '12') ~ ' * cast(0.01 as decimal(20, 2))') }}
    end as revenue_usd_month,
    case
        when is_stale then null
        when is_public_type or ipo_date <= valid_from then true
        when not is_public_type or ipo_date > valid_from then false
    end as is_public,
    {%- for fact in facts %}
    case when not is_stale then {{ fact }} end as {{ fact }}{{ ',' if not loop.last }}
    {%- endfor %}
from dated

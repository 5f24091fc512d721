{#- Everything that the tables that are built by days are made of, in pieces that can change by themselves: what is in
    a piece (its fingerprint), and the first day that it can change. -#}
{%- set values = ['reports.organization_id'] -%}
{%- for counter in mapped_usage_counters() -%}
    {%- do values.append('reports.' ~ adapter.quote(counter)) -%}
{%- endfor -%}

with looked_at as (
    {{ days_looked_at() }}
),

days as (
    select
        days.date,
        noted.fingerprint
    from {{ ref('int_history_days') }} as days
    inner join looked_at on days.date >= looked_at.first_day and days.date <= looked_at.last_day
    left join {{ ref('int_usage_days') }} as reported on days.date = reported.date
    left join {{ ref('stg_load__usage_days') }} as noted
        on days.date = noted.date
        and reported.organizations = noted.reports
),

{#- The reports themselves are read only of days that the load has not noted. -#}
read_again as (
    select reports.date, cast(sum({{ row_fingerprint(values) }}) as {{ dbt.type_string() }}) as fingerprint
    from {{ ref('stg_usage__usage_reports') }} as reports
    inner join days on reports.date = days.date
    where days.fingerprint is null
    group by reports.date
),

usage as (
    select
        days.date as first_day,
        coalesce(days.fingerprint, read_again.fingerprint, 'none') as fingerprint
    from days
    left join read_again on days.date = read_again.date
),

{#- An organization that becomes known, or internal, changes the days that it was reported on. Reports first: of
    organizations there are fewer rows to join. -#}
reported as (
    select reports.organization_id, min(reports.date) as first_day
    from {{ ref('stg_usage__usage_reports') }} as reports
    inner join {{ ref('int_data_day') }} as data_day
        on reports.date >= data_day.first_usage_day
        and reports.date <= data_day.as_of_date
    group by reports.organization_id
),

organizations as (
    select organizations.organization_id, reported.first_day
    from reported
    inner join {{ ref('int_organizations') }} as organizations
        on reported.organization_id = organizations.organization_id
),

opened as (
    select account_id, min(greatest(held_from, period_start)) as first_day
    from {{ ref('int_billing_spells') }}
    where has_active_subscription
    group by account_id
),

{#- What was subscribed and limited is no column of a version, but rows of their own. -#}
listed as (
    select organization_id, updated_at, sum({{ row_fingerprint(['product_key']) }}) as fingerprint
    from {{ ref('stg_billing__subscribed_products') }}
    group by organization_id, updated_at

    union all

    select organization_id, updated_at, sum({{ row_fingerprint(['product_key', 'limit_usd']) }}) as fingerprint
    from {{ ref('stg_billing__spend_limits') }}
    group by organization_id, updated_at
),

listed_by_version as (
    select organization_id, updated_at, sum(fingerprint) as fingerprint
    from listed
    group by organization_id, updated_at
),

terms as (
    select
        spells.organization_id || ' ' || cast(spells.updated_at as {{ dbt.type_string() }}) as key,
        greatest(spells.held_from, cast(spells.organization_created_at as date), opened.first_day) as first_day,
        {{ row_fingerprint([
            'spells.organization_created_at', 'spells.account_id', 'spells.has_active_subscription',
            'spells.period_start', 'spells.period_end',
            'case when spells.has_active_subscription then spells.subscribed_on end',
            'spells.discount_percent', 'spells.platform_package', 'spells.credit_balance_usd', 'listed.fingerprint',
        ]) }} as fingerprint
    from {{ ref('int_billing_spells') }} as spells
    inner join opened on spells.account_id = opened.account_id
    left join listed_by_version as listed
        on spells.organization_id = listed.organization_id
        and spells.updated_at = listed.updated_at
),

{#- A spell may end in an account that has no terms here. -#}
ends as (
    select
        spells.organization_id || ' ' || cast(spells.held_before as {{ dbt.type_string() }}) as key,
        greatest(spells.held_before, cast(spells.organization_created_at as date), opened.first_day) as first_day
    from {{ ref('int_billing_spells') }} as spells
    inner join opened on spells.account_id = opened.account_id
    where spells.held_before < cast('9999-12-31' as date)
),

inputs as (
    select 'usage' as kind, cast(first_day as {{ dbt.type_string() }}) as key, first_day, fingerprint
    from usage

    union all

    select 'organization', organization_id, first_day, 'known'
    from organizations

    union all

    select 'terms', key, first_day, cast(fingerprint as {{ dbt.type_string() }})
    from terms

    union all

    select 'end of terms', key, first_day, 'ends'
    from ends

    union all

    select 'project', 'project', cast('1900-01-01' as date), '{{ files_fingerprint() }}'

    union all

    select 'macros', 'macros', cast('1900-01-01' as date), {{ macros_fingerprint() }}
)

select
    inputs.kind,
    inputs.key,
    inputs.first_day,
    inputs.fingerprint
from inputs
inner join looked_at on inputs.first_day >= looked_at.first_day and inputs.first_day <= looked_at.last_day

{#- The counters of the contract are named; one that arrives later is passed on too, so that none is lost in silence. -#}
{%- set contract_counters = [
    'event_count_in_period',
    'enhanced_persons_event_count_in_period',
    'event_count_with_groups_in_period',
    'recording_count_in_period',
    'mobile_recording_count_in_period',
    'billable_feature_flag_requests_count_in_period',
    'survey_responses_count_in_period',
    'rows_synced_in_period',
    'exceptions_captured_in_period',
    'ai_event_count_in_period',
    'logs_mb_in_period',
    'cdp_billable_invocations_in_period',
    'rows_exported_in_period',
    'workflow_emails_sent_in_period',
] -%}
{%- set later_counters = [] -%}
{%- for column in adapter.get_columns_in_relation(source('usage', 'usage_reports')) if execute -%}
    {%- if column.name.lower().endswith('_in_period') and column.name.lower() not in contract_counters -%}
        {%- do later_counters.append(column.name) -%}
    {%- endif -%}
{%- endfor -%}

select
    organization_id,
    received_at,
    organization_user_count,
    {% for counter in contract_counters -%}
    coalesce({{ counter }}, 0) as {{ counter }},
    {% endfor -%}
    {% for counter in later_counters -%}
    coalesce({{ adapter.quote(counter) }}, 0) as {{ adapter.quote(counter.lower()) }},
    {% endfor -%}
    date
from {{ source('usage', 'usage_reports') }}

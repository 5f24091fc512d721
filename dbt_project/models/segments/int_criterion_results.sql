{#- Criteria of segments alone: flags are asked of the data day only. -#}
{{ asked_criteria(ref('int_company_spans'), 'span_id', 'asked.valid_from', company_facts(), kinds=['segment']) }}

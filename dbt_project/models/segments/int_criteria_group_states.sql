{{ criteria_group_states(ref('int_criterion_results'), 'span_id') }}

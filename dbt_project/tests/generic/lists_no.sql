{#- rpt_data_quality lists nothing of one kind. -#}
{% test lists_no(model, finding) %}

select finding, subject, figure, unit
from {{ model }}
where finding = '{{ finding }}'

{% endtest %}

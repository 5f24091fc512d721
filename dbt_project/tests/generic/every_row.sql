{#- A condition holds on every row; null is not enough. -#}
{% test every_row(model, holds) %}

select *
from {{ model }}
where not coalesce({{ holds }}, false)

{% endtest %}

{#- Every value of a column is in the column of the same name of another model; values are compared once each. -#}
{% test belongs_to(model, column, to) %}

select here.{{ column }}
from (select distinct {{ column }} from {{ model }}) as here
left join {{ to }} as there on here.{{ column }} = there.{{ column }}
where there.{{ column }} is null

{% endtest %}

{#- The sum of a column is the sum of another model's, to the cent. -#}
{% test adds_up_to(model, column, to, to_column, to_where='1 = 1') %}

select here.total, there.total as expected_total
from (select coalesce(sum({{ column }}), 0) as total from {{ model }}) as here
cross join (select coalesce(sum({{ to_column }}), 0) as total from {{ to }} where {{ to_where }}) as there
where here.total <> there.total

{% endtest %}

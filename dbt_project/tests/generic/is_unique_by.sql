{#- No two rows have the same values in `columns`, and none of those is null. -#}
{% test is_unique_by(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as number_of_rows
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- for column in columns %}
    or {{ column }} is null
{%- endfor %}

{% endtest %}

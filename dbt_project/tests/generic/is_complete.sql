{#- None of `columns` is null on any row. -#}
{% test is_complete(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
where
{%- for column in columns %}
    {{ column }} is null{{ ' or' if not loop.last }}
{%- endfor %}

{% endtest %}

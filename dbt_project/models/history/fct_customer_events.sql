{%- set parts = ['usage', 'standing', 'forecast', 'bill', 'account', 'signal'] -%}

{% for part in parts -%}
select
    customer_id,
    cast(day as date) as day,
    cast(kind as {{ dbt.type_string() }}) as kind,
    cast(subject as {{ dbt.type_string() }}) as subject,
    cast(what as {{ dbt.type_string() }}) as what,
    cast(figure as decimal(24, 4)) as figure,
    cast(unit as {{ dbt.type_string() }}) as unit,
    cast(source_table as {{ dbt.type_string() }}) as source_table,
    cast({{ 'owner_email' if part == 'account' else 'null' }} as {{ dbt.type_string() }}) as owner_email
from {{ ref('int_' ~ part ~ '_events') }}
{{ 'union all' if not loop.last }}
{% endfor %}

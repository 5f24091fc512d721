{#- Fails the statement with `message`, a SQL expression of type text. -#}
{% macro raise_error(message) -%}
    {{ return(adapter.dispatch('raise_error', 'growth')(message)) }}
{%- endmacro %}


{#- The version of each key that holds on the data day: the newest one stamped up to its end, and before the first
    version the first one. Takes a staging model that keeps every version, the columns of its key, its stamp, and
    the columns to give. -#}
{% macro version_on_data_day(relation, key, stamp, columns) -%}
    select
        {{ columns | join(',\n        ') }}
    from (
        select
            {% for column in columns -%}
            versions.{{ column }},
            {% endfor -%}
            row_number() over (
                partition by versions.{{ key | join(', versions.') }}
                order by
                    case when versions.{{ stamp }} < data_day.as_of_ts then 0 else 1 end,
                    case when versions.{{ stamp }} < data_day.as_of_ts then versions.{{ stamp }} end desc,
                    versions.{{ stamp }}
            ) as version_rank
        from {{ relation }} as versions
        cross join {{ ref('int_data_day') }} as data_day
    ) as ranked
    where version_rank = 1
{%- endmacro %}

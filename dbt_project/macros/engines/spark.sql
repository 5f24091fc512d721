{#- What Spark has its own words for. -#}

{% macro spark__divide_cut(numerator, denominator, type) -%}
    cast(
        (cast({{ numerator }} as decimal(38, 0)) div nullif(cast({{ denominator }} as decimal(38, 0)), 0)) as {{ type }}
    )
{%- endmacro %}


{% macro spark__json_text(column, path) -%}
    {%- if path -%} get_json_object({{ column }}, '$.{{ path }}') {%- else -%} {{ column }} {%- endif -%}
{%- endmacro %}


{% macro spark__json_fields(rows, column, keep, fields) -%}
    select
        {% for expression, name in keep.items() -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        {% for name, path in fields.items() -%}
        {{ json_text(column, path) }} as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ rows }}
{%- endmacro %}


{% macro spark__json_array_rows(relation, keep, column, path) -%}
    (
        select {{ keep | join(', ') }}, entry.value, entry.place + 1 as number
        from {{ relation }}
        lateral view posexplode(from_json({{ json_text(column, path) }}, 'array<string>')) entry as place, value
    )
{%- endmacro %}


{% macro spark__json_object_rows(relation, keep, column) -%}
    (
        select {{ keep | join(', ') }}, entry.name, entry.value
        from {{ relation }}
        lateral view explode(from_json({{ column }}, 'map<string,string>')) entry as name, value
    )
{%- endmacro %}


{% macro spark__json_array_sum(column, path, field, where, equals) -%}
    {%- set shape = field ~ ':bigint' ~ (',' ~ where ~ ':string' if where) -%}
    {%- set counts = 'coalesce(part.' ~ where ~ " = '" ~ equals ~ "', false)" if where else 'true' -%}
    cast(coalesce(aggregate(
        from_json({{ json_text(column, path) }}, 'array<struct<{{ shape }}>>'),
        cast(0 as bigint),
        (total, part) -> total + case when {{ counts }} then coalesce(part.{{ field }}, 0L) else 0L end
    ), 0) as bigint)
{%- endmacro %}


{% macro spark__from_unix_seconds(seconds) -%}
    timestamp_seconds(cast({{ seconds }} as bigint))
{%- endmacro %}


{% macro spark__raise_error(message) -%}
    raise_error({{ message }})
{%- endmacro %}


{#- Two statements are two commits: readers have copies, never the tables that are being built. -#}
{% macro spark__replace_rows(arguments, where) -%}
    {{ delete_and_insert(arguments, where) }}
{%- endmacro %}


{% macro spark__row_fingerprint(columns) -%}
    cast(xxhash64({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}


{% macro spark__estimate(number) -%}
    cast({{ number }} as double)
{%- endmacro %}


{% macro spark__computed_once() -%}
{%- endmacro %}


{% macro spark__without_match(text, pattern) -%}
    regexp_replace({{ text }}, {{ pattern }}, '')
{%- endmacro %}


{% macro spark__now_utc() -%}
    cast(current_timestamp() as timestamp)
{%- endmacro %}


{% macro spark__prepare_engine() -%}
{%- endmacro %}


{% macro spark__gather_statistics() -%}
{%- endmacro %}

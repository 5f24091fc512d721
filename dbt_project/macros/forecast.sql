{#- Whether what billing calls the current period cannot be one: it is too long, or ends before it starts. -#}
{% macro is_no_period(versions) -%}
    coalesce(
        {{ versions }}.current_period_end_at <= {{ versions }}.current_period_start_at
        or {{ dbt.datediff(versions ~ '.current_period_start_at', versions ~ '.current_period_end_at', 'day') }}
            > {{ threshold('billing_period_max_days') }},
        false
    )
{%- endmacro %}


{#- How much of a period is over, in thirtieths, cut off: 30 on its last day alone. -#}
{% macro elapsed_thirtieths(day_of_period, period_days) -%}
    cast(floor(30.0 * {{ day_of_period }} / {{ period_days }}) as int)
{%- endmacro %}


{#- The same in fifths, in which methods are weighed. -#}
{% macro elapsed_fifths(day_of_period, period_days) -%}
    cast(floor(5.0 * {{ day_of_period }} / {{ period_days }}) as int)
{%- endmacro %}


{#- A number of units as one to estimate with, where fractions of the sixth decimal do not matter. Never money. -#}
{% macro estimate(number) -%}
    {{ return(adapter.dispatch('estimate', 'growth')(number)) }}
{%- endmacro %}


{#- One row with these thresholds as numbers to estimate with, each a column of its name. -#}
{% macro thresholds_to_estimate_with(names) -%}
    (
        select
            {% for name in names -%}
            {{ estimate(threshold(name)) }} as {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
    )
{%- endmacro %}


{#- The mean of decimals, half up (away from zero) at the places that they have. `avg` is a float on DuckDB alone, and the
    mean of a few is often half of a last place, which a float rounds either way. Here every number that is rounded is a
    whole one below 2^53, or half of one: floats divide those like decimals, in a tenth of the time. -#}
{% macro mean_of(decimals, places) -%}
    {%- set units = 'round(' ~ estimate('sum(' ~ decimals ~ ')') ~ ' * 1' ~ '0' * places ~ ')' -%}
    {%- set count = estimate('count(' ~ decimals ~ ')') -%}
    cast(
        sign({{ units }}) * floor((abs({{ units }}) + 0.5 * {{ count }}) / {{ count }}) / 1{{ '0' * places }}
        as decimal(28, {{ places }})
    )
{%- endmacro %}


{#- The methods by which units of the rest of a period are expected (model int_quantity_methods). -#}
{% macro forecast_methods() -%}
    {{ return(['level', 'step', 'trend', 'month', 'weeks']) }}
{%- endmacro %}


{#- How far the mean of the methods by their weights is from method `level`, of aliases of models int_quantity_methods and
    int_method_weights. A method without the history for it has no weight; null where none has. -#}
{% macro weighted_difference(quantities, weights) -%}
    (
        {% for method in forecast_methods() if method != 'level' -%}
        case
            when {{ quantities }}.by_{{ method }} is null then 0
            else {{ estimate(weights ~ '.' ~ method ~ '_weight') }}
                * {{ estimate(quantities ~ '.by_' ~ method ~ ' - ' ~ quantities ~ '.by_level') }}
        end{{ ' + ' if not loop.last }}
        {%- endfor %}
    ) / nullif(
        {% for method in forecast_methods() -%}
        case
            when {{ quantities }}.by_{{ method }} is null then 0 else {{ estimate(weights ~ '.' ~ method ~ '_weight') }}
        end{{ ' + ' if not loop.last }}
        {%- endfor %}, 0
    )
{%- endmacro %}


{#- The day before a period, and the last days of those that its end is compared with: by name, of columns `period_start`
    and `period_end`. Sums of usage between two days are differences of sums up to them. -#}
{% macro ends_alike() -%}
    {%- set ends = {'before': dbt.dateadd('day', -1, 'period_start')} -%}
    {%- for name, unit, number in [
        ('month_1', 'month', 1), ('month_2', 'month', 2), ('weeks_4', 'week', 4), ('weeks_8', 'week', 8)
    ] -%}
        {%- do ends.update({name: dbt.dateadd('day', -1, dbt.dateadd(unit, -number, 'period_end'))}) -%}
    {%- endfor -%}
    {%- for name, day in ends.items() -%}
        {%- do ends.update({name: 'cast(' ~ day ~ ' as date)'}) -%}
    {%- endfor -%}
    {{ return(ends) }}
{%- endmacro %}


{#- The day some months before that is as far from the end of a period, of columns `as_of_date` and `period_end`. -#}
{% macro same_day_before(months) -%}
    cast({{ dbt.dateadd('day', '-1 * ' ~ dbt.datediff('as_of_date', 'period_end', 'day'), dbt.dateadd('month', -months, 'period_end')) }} as date)
{%- endmacro %}


{#- Whether two levels are further apart than the weeks on either side are among themselves. -#}
{% macro levels_differ(one, other, side, other_side=none) -%}
    greatest({{ one }}, {{ other }}) > least({{ one }}, {{ other }}) * greatest(
        {{ estimate(threshold('step_min_factor')) }},
        {% for weeks in [side, other_side] if weeks -%}
        power(greatest({{ weeks | join(', ') }}) / (least({{ weeks | join(', ') }}) + 0.000001), 2)
        {{- ', ' if other_side and loop.first }}
        {%- endfor %}
    )
{%- endmacro %}


{#- The first month whose intervals have to be made: of those of the days to build the first that the table does not have, or
    that begins after the first of these days. Far ahead if there is none. -#}
{% macro first_month_of_intervals_to_make() -%}
    {%- set accounts, to_build = ref('int_account_days'), ref('int_days_to_build') -%}
    {%- set intervals = 'intermediate.int_forecast_intervals' -%}
    {%- if not execute or model.resource_type != 'model' or not reads_what_it_replaces()
        or adapter.get_relation(this.database, this.schema, 'int_forecast_intervals') is none -%}
        {{ return("(select min(" ~ month_of('as_of_date') ~ ") from " ~ accounts ~ ")") }}
    {%- endif -%}
    {%- set found = run_query(
        "select coalesce(min(months.month), cast('9999-12-01' as date)) from (select distinct " ~ month_of('as_of_date')
        ~ " as month from " ~ accounts ~ ") as months cross join " ~ to_build ~ " as to_build left join (select distinct"
        ~ " month from " ~ intervals ~ ") as known on months.month = known.month where known.month is null or months.month > "
        ~ month_of('to_build.first_day')
    ) -%}
    {{ return("cast('" ~ found.columns[0].values()[0] ~ "' as date)") }}
{%- endmacro %}

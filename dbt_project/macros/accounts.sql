{#- How much a rate a day has changed, in millionths of what it was, by 10^11 times at most; null where nothing was used or
    reported before, or nothing is reported now. -#}
{% macro change_millionths(quantity, days, quantity_before, days_before) -%}
    {%- set now = 'cast(' ~ quantity ~ ' as decimal(28, 6)) * ' ~ days_before -%}
    {%- set before = 'cast(' ~ quantity_before ~ ' as decimal(28, 6)) * ' ~ days -%}
    case
        when
            {{ quantity_before }} > 0 and {{ days }} > 0
            and {{ now }} > 100000000000 * {{ before }}
            then 100000000000000000
        when {{ quantity_before }} > 0 and {{ days }} > 0
            then {{ divide_half_up(
                'cast(1000000000 as decimal(38, 0)) * ('
                ~ 'cast(' ~ quantity ~ ' as decimal(28, 6)) * ' ~ days_before
                ~ ' - cast(' ~ quantity_before ~ ' as decimal(28, 6)) * ' ~ days ~ ')',
                'cast(1000 as decimal(38, 0)) * ' ~ quantity_before ~ ' * ' ~ days,
                type='decimal(38, 0)'
            ) }}
    end
{%- endmacro %}


{#- Whether a figure is on the side of the threshold on which a rule of seed `account_signals` fires. -#}
{% macro fires(figure) -%}
    case signals.bound
        when 'at_least' then {{ figure }} >= signals.threshold
        when 'above' then {{ figure }} > signals.threshold
        when 'at_most' then {{ figure }} <= signals.threshold
        when 'below' then {{ figure }} < signals.threshold
    end
{%- endmacro %}


{#- The first day on which the days since `day` are on that side of the threshold. -#}
{% macro fires_from(day) -%}
    {%- set days -%}
        case signals.bound
            when 'at_least' then cast(ceil(signals.threshold) as int)
            when 'above' then cast(floor(signals.threshold) as int) + 1
            else 0
        end
    {%- endset -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}


{#- Millionths as a percentage. -#}
{% macro percent_of_millionths(millionths) -%}
    cast({{ millionths }} * cast(0.0001 as decimal(5, 4)) as decimal(24, 4))
{%- endmacro %}


{#- Since when a rule has fired without a break. Takes a relation with the days on which it fired, one row per key and
    day, where `step` counts them back from 0, the data day, without a gap. -#}
{% macro unbroken_since(fired, key) -%}
    select
        {{ key | join(',\n        ') }},
        max(case when step = 0 then figure end) as figure,
        min(day) as since
    from (
        select
            {{ key | join(', ') }}, step, day, figure,
            row_number() over (partition by {{ key | join(', ') }} order by step) - 1 as run_step
        from {{ fired }}
    ) as runs
    where step = run_step
    group by {{ key | join(', ') }}
{%- endmacro %}


{#- Whom an account of the CRM speaks for, and on which days: one that moves takes nothing along. What was said before its
    organization was known is of the first one. -#}
{% macro account_customers() -%}
    select
        account_id,
        customer_id,
        case
            when row_number() over (partition by account_id order by held_from) = 1 then cast('1900-01-01' as date)
            else held_from
        end as held_from,
        held_before
    from {{ ref('int_account_owners') }}
{%- endmacro %}


{#- Place in a list: the segments that the product is for come first, then what `order` says. -#}
{% macro list_rank(relation, order) -%}
    cast(
        row_number() over (
            order by
                coalesce({{ relation }}.list_order, 2000),
                {{ order | join(',\n                ') }}
        ) as int
    )
{%- endmacro %}


{#- Joins `others`, what else fires by a signal: the names of a customer's rows after the first, in the order of `place`. -#}
{% macro join_others(placed, name) -%}
    left join (
        select customer_id, signal, {{ dbt.listagg(name, "', '", 'order by place') }} as others
        from {{ placed }}
        where place > 1
        group by customer_id, signal
    ) as others
        on {{ placed }}.customer_id = others.customer_id
        and {{ placed }}.signal = others.signal
{%- endmacro %}


{#- A list of customers to look at: what of `candidates` fires by seed `account_signals`, with the rule beside it, those
    whom the product is for first and hobbyists left out. Whom nobody may write to is listed for risks alone. `key` names
    what is unique beside customer and signal, `order` what comes before ARR. -#}
{% macro account_list(list_name, candidates, key=[], columns=[], order=[], where='true') -%}
    {%- set key = ['candidates.customer_id', 'candidates.signal'] + key -%}
    select
        {%- for column in key + columns %}
        {{ column }},
        {%- endfor %}
        customers.customer_name,
        signals.rule as what_fired,
        cast(candidates.figure as decimal(24, 4)) as figure,
        signals.threshold,
        signals.unit,
        cast(candidates.since as date) as since,
        signals.next_action,
        customers.icp_segment,
        customers.arr_usd_year,
        customers.owner_email,
        {{ list_rank('customers', order + ['customers.arr_usd_year desc'] + key) | indent(8) }} as list_rank,
        customers.as_of_date
    from {{ candidates }} as candidates
    inner join {{ ref('account_signals') }} as signals
        on signals.list_name = '{{ list_name }}'
        and candidates.signal = signals.signal
        and signals.is_available
        and {{ fires('candidates.figure') | indent(8) }}
    inner join {{ ref('int_listed_customers') }} as customers on candidates.customer_id = customers.customer_id
    where (signals.kind = 'risk' or not customers.is_do_not_contact) and {{ where }}
{%- endmacro %}


{#- Which signal of seed `credit_runway_signals` a contract's credit gives, by when in the contract it runs out; null if it
    lasts as long as the contract. -#}
{% macro runway_signal(runs_out_on, term_starts_on, term_ends_on) -%}
    case
        when {{ runs_out_on }} >= {{ dbt.dateadd('month', '-1 * cast(' ~ threshold('credit_free_months') ~ ' as int)', term_ends_on) }}
            then 'runs_out_near_renewal'
        when {{ runs_out_on }} < {{ dbt.dateadd('month', 'cast(' ~ threshold('credit_topup_months') ~ ' as int)', term_starts_on) }}
            then 'runs_out_early'
        when {{ runs_out_on }} is not null then 'runs_out'
    end
{%- endmacro %}


{#- Whole people for an amount of work, given what one person does: a part of a person is a whole one. -#}
{% macro people_for(work, work_a_person) -%}
    {{ divide_cut(
        'cast(' ~ work ~ ' as decimal(38, 0)) + cast(' ~ work_a_person ~ ' as decimal(38, 0)) - 1',
        'cast(' ~ work_a_person ~ ' as decimal(38, 0))'
    ) }}
{%- endmacro %}

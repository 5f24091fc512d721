{#- Where an organization or a customer stands on the data day. One that was removed at the source is no sign-up any more,
    and pays until its bills end. -#}
{% macro lifecycle(mrr_usd_month, first_paid_month, activated_at, is_removed) -%}
    case
        when {{ mrr_usd_month }} > 0 then 'paying'
        when {{ first_paid_month }} is not null or {{ is_removed }} then 'churned'
        when {{ activated_at }} is not null then 'activated'
        else 'signed_up'
    end
{%- endmacro %}

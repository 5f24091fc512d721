{#- Where an organization or a customer stands on the data day. -#}
{% macro lifecycle(mrr_usd_month, first_paid_month, activated_at) -%}
    case
        when {{ mrr_usd_month }} > 0 then 'paying'
        when {{ first_paid_month }} is not null then 'churned'
        when {{ activated_at }} is not null then 'activated'
        else 'signed_up'
    end
{%- endmacro %}

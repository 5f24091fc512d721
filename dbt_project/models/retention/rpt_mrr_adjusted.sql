{#- A month is judged by the two before it and the one after, all as invoiced; what has none of these yet is left as it
    is, and restated once the next month is closed. -#}
with months as (
    select
        customer_id,
        month,
        mrr_usd_month,
        refund_usd,
        lag(mrr_usd_month) over (partition by customer_id order by month) as mrr_before,
        lag(mrr_usd_month, 2) over (partition by customer_id order by month) as mrr_two_before,
        lead(mrr_usd_month) over (partition by customer_id order by month) as mrr_next
    from {{ ref('fct_mrr_monthly') }}
),

rules as (
    select
        cast({{ threshold('spike_multiple') }} as decimal(9, 4)) as spike_multiple,
        {{ threshold('spike_increase_usd_month') }} as spike_increase_usd,
        cast({{ threshold('spike_fall_share') }} as decimal(9, 4)) as spike_fall_share,
        cast({{ threshold('one_off_credit_share') }} as decimal(9, 4)) as one_off_credit_share
),

compared as (
    select
        customer_id,
        month,
        mrr_usd_month,
        refund_usd,
        mrr_before,
        mrr_next,
        cast((mrr_before + mrr_two_before) * 0.5 as decimal(22, 3)) as usual_mrr
    from months
),

judged as (
    select
        compared.customer_id,
        compared.month,
        compared.mrr_usd_month,
        compared.mrr_before,
        compared.usual_mrr,
        case
            when
                compared.mrr_usd_month > rules.spike_multiple * compared.usual_mrr
                and compared.mrr_usd_month - compared.usual_mrr >= rules.spike_increase_usd
                and compared.mrr_next <= (1 - rules.spike_fall_share) * cast(compared.mrr_usd_month as decimal(22, 2))
                then 'spike'
            when
                compared.refund_usd > 0
                and compared.mrr_before > 0
                and compared.refund_usd >= rules.one_off_credit_share * cast(compared.mrr_before as decimal(22, 2))
                and compared.mrr_next >= compared.usual_mrr
                then 'one_off_credit'
            else 'none'
        end as rule
    from compared
    cross join rules
),

adjusted as (
    select
        customer_id,
        month,
        mrr_usd_month,
        case rule
            when 'spike' then {{ round_half_up('usual_mrr') }}
            when 'one_off_credit' then mrr_before
            else mrr_usd_month
        end as adjusted_mrr_usd_month,
        rule
    from judged
)

select
    customer_id,
    month,
    mrr_usd_month,
    {{ usd('adjusted_mrr_usd_month') }} as adjusted_mrr_usd_month,
    {{ usd('adjusted_mrr_usd_month - mrr_usd_month') }} as adjustment_usd_month,
    rule
from adjusted

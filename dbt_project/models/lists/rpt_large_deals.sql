with candidates as (
    select
        accounts.customer_id,
        'large_deal' as signal,
        deals.opportunity_id,
        deals.opportunity_type,
        deals.stage,
        {{ round_half_up('deals.amount_usd_year') }} as amount_usd_year,
        deals.has_long_procurement,
        deals.wants_new_features,
        deals.has_several_stakeholders,
        deals.is_valuable,
        deals.criteria as figure,
        deals.large_from as since
    from {{ ref('int_large_deal_spans') }} as deals
    cross join {{ ref('int_data_day') }} as data_day
    inner join {{ ref('int_account_owners') }} as accounts
        on deals.account_id = accounts.account_id
        and data_day.as_of_date >= accounts.held_from
        and data_day.as_of_date < accounts.held_before
    where deals.large_before is null
)

{{ account_list(
    'large_deals',
    'candidates',
    key=['candidates.opportunity_id'],
    columns=[
        'candidates.opportunity_type', 'candidates.stage', 'candidates.amount_usd_year',
        'candidates.has_long_procurement', 'candidates.wants_new_features', 'candidates.has_several_stakeholders',
        'candidates.is_valuable',
    ],
) }}

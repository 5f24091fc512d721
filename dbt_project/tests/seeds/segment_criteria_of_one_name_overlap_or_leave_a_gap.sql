with ordered as (
    select
        segment,
        criterion,
        valid_from,
        valid_to,
        lead(valid_from) over (
            partition by segment, criterion
            order by coalesce(valid_from, cast('1900-01-01' as date))
        ) as next_valid_from,
        row_number() over (
            partition by segment, criterion
            order by coalesce(valid_from, cast('1900-01-01' as date)) desc
        ) as rank_from_last
    from {{ ref('segment_criteria') }}
)

select
    segment,
    criterion,
    valid_from,
    valid_to,
    next_valid_from
from ordered
where
    valid_to <= valid_from
    or (rank_from_last > 1 and (valid_to is null or next_valid_from is null or valid_to <> next_valid_from))

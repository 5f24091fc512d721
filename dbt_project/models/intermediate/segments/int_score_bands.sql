{{ config(materialized='view') }}

select
    score,
    version,
    field,
    at_least,
    coalesce(lag(up_to) over (partition by score, version, field order by at_least), at_least - 1) as above,
    coalesce(up_to, cast(9999999999999999.99 as decimal(18, 2))) as up_to,
    points
from {{ ref('score_points') }}
where value is null

select
    name as threshold,
    value,
    unit,
    description
from {{ ref('thresholds') }}

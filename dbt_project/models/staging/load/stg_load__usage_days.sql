select
    date,
    reports,
    fingerprint,
    turn
from {{ source('load', 'usage_days') }}

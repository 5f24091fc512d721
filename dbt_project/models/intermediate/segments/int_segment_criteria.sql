{{ config(materialized='view') }}

select
    criteria.segment,
    segments.kind,
    segments.precedence,
    criteria.criterion,
    criteria.criteria_group,
    criteria.field,
    criteria.operator,
    criteria.bound,
    case
        when criteria.bound = 'true' then cast(1 as decimal(18, 2))
        when criteria.bound = 'false' then cast(0 as decimal(18, 2))
        else {{ dbt.safe_cast('criteria.bound', 'decimal(18, 2)') }}
    end as bound_number,
    criteria.may_be_absent,
    criteria.stands_for,
    coalesce(criteria.valid_from, cast('1900-01-01' as date)) as valid_from,
    coalesce(criteria.valid_to, cast('9999-12-31' as date)) as valid_to
from {{ ref('segment_criteria') }} as criteria
inner join {{ ref('segments') }} as segments on criteria.segment = segments.segment

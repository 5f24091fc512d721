select file, position
from {{ source('load', 'rejected_rows') }}
where rule = 'tie'

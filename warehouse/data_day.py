"""The newest complete day of usage, computed before dbt has built `int_data_day`."""

import csv
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

import duckdb

from settings import PROJECT_DIR

THRESHOLDS = PROJECT_DIR / "dbt_project" / "seeds" / "thresholds.csv"
DAYS = """
select date, count(*) as organizations, max(received_at) >= date + interval 1 day as is_over
from raw.usage__usage_reports
where date between date '2000-01-01' and date '2100-01-01'
group by date
order by date
"""


def newest_complete_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The default data day as in `int_data_day`, from raw usage alone; None if no day is complete.

    A day is complete if it is over and a fifth of the usual number of organizations reported (thresholds `data_day_…`).
    """
    with THRESHOLDS.open(newline="") as file:
        thresholds = {row["name"]: Decimal(row["value"]) for row in csv.DictReader(file)}
    share = thresholds["data_day_quorum_share"]
    week, quarter, gap = (int(thresholds[f"data_day_{name}_days"]) for name in ("week", "quarter", "gap"))
    days = connection.execute(DAYS).fetchall()
    starts = [0, *(i for i, (one, next_one) in enumerate(pairwise(days), 1) if (next_one[0] - one[0]).days > gap)]
    stretches = [days[first:end] for first, end in pairwise([*starts, len(days)])]
    longest = max(stretches, key=lambda stretch: sum(organizations for _, organizations, _ in stretch))
    counts = [organizations for _, organizations, _ in longest]
    for number, (day, organizations, is_over) in reversed(list(enumerate(longest))):
        before = counts[max(number - quarter, 0) : number]
        usual = max(median(before), median(before[-week:])) if before else 0
        if is_over and organizations >= share * Decimal(usual):
            return day
    return None

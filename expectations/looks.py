"""Which rows a gate reads: those that changed since it last found them right, and once a week every row.

The load notes which days of usage it wrote (`raw.usage_days`) and the build which days of a table it built
(`quality.days_rebuilt`). An expectation that held at its last look, as it is asked now, holds of the rows that are
still the same. `quality.expectation_results` says of each result which days were read; none means every row.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import md5

import duckdb

from expectations.suites import Expectation, Suite

SWEEP_AFTER_DAYS = 7
LAST_LOOKS = """
select
    expectation, max_by(status, turn), max_by(asked, turn), max(turn),
    max(as_of_date) filter (where looked_from is null and status = 'passed')
from quality.expectation_results
where layer = ? and table_name = ? and first_day is null and turn is not null
group by expectation
"""
DAYS_LOADED = (
    "select count(*), min(date) filter (where turn > $turn), max(date) filter (where turn > $turn) from raw.usage_days"
)
DAYS_BUILT = (
    "select count(*), min(first_day) filter (where turn > $turn), max(last_day) filter (where turn > $turn) "
    "from quality.days_rebuilt where table_name = $table"
)


@dataclass(frozen=True)
class Look:
    """The days of a table to read, both ends included, and the expectations for which they are enough."""

    first: date
    last: date
    expectations: Collection[str]


def asked(expectation: Expectation) -> str:
    """Differs when an expectation asks something else."""
    text = json.dumps([expectation.type, expectation.kwargs], sort_keys=True)
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def days_to_look_at(connection: duckdb.DuckDBPyConnection, suite: Suite, as_of: date | None) -> Look | None:
    """The days that changed since the last look, with the data day; None if every row has to be read."""
    if suite.day is None or as_of is None:
        return None
    try:
        last_looks = connection.execute(LAST_LOOKS, [suite.layer, suite.table]).fetchall()
        turns = _turns_of_those_that_held(suite.expectations, last_looks, as_of)
        if not turns:
            return None
        query, values = (DAYS_BUILT, {"table": suite.table}) if suite.layer == "marts" else (DAYS_LOADED, {})
        noted, first, last = connection.execute(query, {"turn": min(turns.values()), **values}).fetchall()[0]
    except (duckdb.CatalogException, duckdb.BinderException):
        # Nothing was noted yet, or by a version without these columns.
        return None
    if not noted:
        return None
    return Look(min(first or as_of, as_of), max(last or as_of, as_of), set(turns))


def _turns_of_those_that_held(
    expectations: Sequence[Expectation], last_looks: list[tuple], as_of: date
) -> dict[str, int]:
    """The turn of the last look of each expectation that held then, in the week after a sweep."""
    asked_now = {each.name: asked(each) for each in expectations if not each.whole}
    return {
        name: turn
        for name, status, asked_then, turn, swept_on in last_looks
        if status == "passed"
        and asked_then == asked_now.get(name)
        and swept_on is not None
        and 0 <= (as_of - swept_on).days < SWEEP_AFTER_DAYS
    }

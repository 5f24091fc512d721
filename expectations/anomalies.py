"""Figures of the data day against their own recent past: the same weekday of the weeks before.

A value is usual if it is within some deviations of the line through those days. The slope of the line is the median of
the slopes between any two of them (Theil and Sen), so that steady growth is usual. A deviation is their median absolute
deviation from the line, made comparable to a standard deviation, so that a holiday in the past moves neither; or, if it
is more, a share of the usual value, or for rows its square root, by which a count of independent events varies. The
numbers are in seed `thresholds`; the figures in figures.yml, and the rows of every table whose gate has counted them.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import combinations
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

import duckdb
import yaml

from warehouse.sql_text import literal

FIGURES_PATH = Path(__file__).with_name("figures.yml")
# The factor that makes a median absolute deviation a standard deviation, if the values are normal.
COMPARABLE = 1.4826
ROWS_OF_TABLES = "rows_of_tables"
ROWS_BEFORE = """
select layer || '.' || table_name, as_of_date, max_by(total_rows, (coalesce(turn, 0), checked_at))
from quality.expectation_results
where as_of_date in {weekdays} and as_of_date < {as_of} and layer in ('raw', 'marts') and total_rows is not null
    and first_day is null
group by layer, table_name, as_of_date
"""
Kind = Literal["rows", "usd", "ratio"]


class Rule(NamedTuple):
    """What is usual: the values of seed `thresholds` whose names begin with `anomaly_`."""

    weeks: int
    least_weeks: int
    deviations: float
    least_deviation_share: float


class WatchedFigure(NamedTuple):
    """A figure by day. `table` is the one that it speaks of, with its schema."""

    name: str
    table: str
    kind: Kind
    why: str
    query: str


class Judgement(NamedTuple):
    """A figure of the data day; `past` is the same weekday of the weeks before, oldest first."""

    figure: str
    table: str
    status: Literal["passed", "unusual", "not judged"]
    value: float | None
    usual: float | None
    past: tuple[float, ...]
    note: str


def load_figures() -> list[WatchedFigure]:
    """The figures of figures.yml."""
    return [WatchedFigure(**entry) for entry in yaml.load(FIGURES_PATH.read_text(encoding="utf-8"), yaml.CSafeLoader)]


def judge_figures(connection: duckdb.DuckDBPyConnection, as_of: date) -> list[Judgement]:
    """Every figure on the data day. The caller holds the warehouse; the gates have counted on earlier days."""
    rule = _rule(connection)
    weekdays = [literal(as_of - timedelta(weeks=back)) for back in range(rule.weeks + 1)]
    days = {"weekdays": f"({', '.join(weekdays)})", "as_of": literal(as_of)}
    judged = []
    for each in load_figures():
        rows = connection.execute(each.query.format(**days)).fetchall()
        by_day = {day: float(value) for day, value in rows if value is not None}
        judged.append(judge(each.name, each.table, each.kind, by_day, as_of=as_of, rule=rule))
    before: dict[str, dict[date, float]] = {}
    for table, day, rows_total in connection.execute(ROWS_BEFORE.format(**days)).fetchall():
        before.setdefault(table, {})[day] = float(rows_total)
    for table, rows_total in _rows_now(connection).items():
        by_day = {**before.get(table, {}), as_of: float(rows_total)}
        # A table may have had no run on a day, which is not a table without rows: as with a ratio.
        judged.append(judge(ROWS_OF_TABLES, table, "ratio", by_day, as_of=as_of, rule=rule))
    return judged


def judge(name: str, table: str, kind: Kind, by_day: Mapping[date, float], *, as_of: date, rule: Rule) -> Judgement:
    """Whether the value of the day is usual. One with too few earlier values is not judged."""
    past = _past(kind, by_day, as_of, rule.weeks)
    shown = tuple(past.values())
    value = by_day.get(as_of, None if kind == "ratio" else 0.0)
    if value is None or len(past) < rule.least_weeks:
        missing = "no value on this day" if value is None else f"{len(past)} such weekdays of {rule.least_weeks} needed"
        return Judgement(name, table, "not judged", value, None, tuple(past), f"too little history: {missing}")
    usual, deviations = _continued(past)
    spread = COMPARABLE * median(abs(each) for each in deviations)
    least = max(rule.least_deviation_share * abs(usual), sqrt(max(usual, 0.0)) if kind == "rows" else 0.0)
    reach = rule.deviations * max(spread, least)
    low, high = round(usual - reach, 6), round(usual + reach, 6)
    status: Literal["passed", "unusual"] = "passed" if low <= value <= high else "unusual"
    note = f"{value:,.2f} on a {as_of:%A}; usual are {low:,.2f} to {high:,.2f}"
    return Judgement(name, table, status, value, usual, shown, note)


def _past(kind: Kind, by_day: Mapping[date, float], as_of: date, weeks: int) -> dict[int, float]:
    """The same weekday so many weeks before. One on which nothing came counts, once there was a first one."""
    days = {back: as_of - timedelta(weeks=back) for back in range(weeks, 0, -1)}
    if kind == "ratio":
        return {back: by_day[day] for back, day in days.items() if day in by_day}
    return {back: by_day.get(day, 0.0) for back, day in days.items() if by_day and day >= min(by_day)}


def _continued(past: Mapping[int, float]) -> tuple[float, list[float]]:
    """Where the line through the past leads today, and how far each of its values is from the line."""
    slope = median((past[one] - past[other]) / (other - one) for other, one in combinations(past, 2))
    today = {back: value + slope * back for back, value in past.items()}
    usual = median(today.values())
    return usual, [value - usual for value in today.values()]


def _rule(connection: duckdb.DuckDBPyConnection) -> Rule:
    rows = connection.execute("select name, value from seeds.thresholds where starts_with(name, 'anomaly_')").fetchall()
    values = {name.removeprefix("anomaly_"): float(value) for name, value in rows}
    weeks, least_weeks = int(values["weeks"]), int(values["least_weeks"])
    return Rule(weeks, least_weeks, values["deviations"], values["least_deviation_share"])


def _rows_now(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = current_database() and schema_name in ('raw', 'marts') "
        "and (schema_name, table_name) in (select layer, table_name from quality.expectation_results) order by all"
    ).fetchall()
    counts = [f"select '{schema}.{table}', count(*) from {schema}.{table}" for schema, table in tables]  # noqa: S608
    return dict(connection.execute(" union all ".join(counts)).fetchall()) if counts else {}

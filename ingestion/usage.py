"""The rows of usage: one per day and organization, replaced one day at a time.

A day's folder that has a new or changed file is read again whole, its newest reports are picked by DuckDB, and they
replace the day in schema raw. Days are taken in batches that bound memory and the number of load packages. Reports
that tie (same day, organization and `received_at`, different values) are set aside like any other bad row, and count
as if they had never been sent: an older report of that day and organization stands.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

from collections.abc import Iterator, Sequence
from datetime import date

from ingestion.contract import Table
from ingestion.files import SourceFile
from ingestion.ledger import TableLedger
from ingestion.plans import Plan, Planner, Step
from ingestion.raw import literal, quote

BATCH_BYTES = 96 * 1024 * 1024


def plan_usage(planner: Planner, table: Table, files: list[SourceFile], ledger: TableLedger) -> Plan:
    """Read the days that have a new or changed file and work out their rows. Raises `SourceError`."""
    plan = Plan(table, files, ledger.vanished(files), rows_before=planner.count_raw_rows(table))
    by_day: dict[date, list[SourceFile]] = {}
    for file in files:
        if file.day:
            by_day.setdefault(file.day, []).append(file)
    stale = [day for day, of_day in by_day.items() if not all(ledger.is_loaded(file) for file in of_day)]
    for number, days in enumerate(_batches(sorted(stale), by_day)):
        plan.steps.append(_plan_days(planner, plan, number, days, [file for day in days for file in by_day[day]]))
    return plan


def _batches(days: Sequence[date], files: dict[date, list[SourceFile]]) -> Iterator[list[date]]:
    batch: list[date] = []
    size = 0
    for day in days:
        day_size = sum(file.size for file in files[day])
        if batch and size + day_size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += day_size
    if batch:
        yield batch


def _plan_days(planner: Planner, plan: Plan, number: int, days: Sequence[date], files: list[SourceFile]) -> Step:
    table, connection = plan.table, planner.connection
    columns = planner.read_checked(table, files)
    in_days = f"date between date '{days[0]}' and date '{days[-1]}' and list_contains({_dates(days)}, date)"
    if plan.vanished:
        _keep_vanished(planner, plan, in_days)
    _judge_doubles(planner, table)
    data = ", ".join(quote(column.name) for column in columns)
    query = (
        f"select {data}, _file, _row from checked where _fault is null and {_names(table.key)} not in (from doubles) "
        f"union all select {data}, _file, _row from judged where stays"
    )
    changes = planner.write_changes(table, f"{table.raw_name}_{number}", query, columns)
    rows = f"read_parquet({literal(str(changes.path))})" if changes else "(select null::date as date where false)"
    before, after = (
        dict(connection.execute(f"select date, count(*) from {relation} where {in_days} group by date").fetchall())
        for relation in (planner.raw_rows(table), rows)
    )
    plan.rows_lost += sum(max(0, count - after.get(day, 0)) for day, count in before.items())
    return Step(planner.count_rows(table, files), changes, [day for day in before if day not in after])


def _dates(days: Sequence[date]) -> str:
    return "[" + ", ".join(f"date '{day}'" for day in days) + "]"


def _keep_vanished(planner: Planner, plan: Plan, in_days: str) -> None:
    """Reports of files that are no longer there stay in their day, unless one that is there has the same stamp."""
    table = plan.table
    version = _names(table.version)
    gone = ", ".join(literal(file) for file in sorted(plan.vanished))
    planner.connection.execute(
        f"insert into checked by name select *, false as is_read from {planner.raw_rows(table)} where {in_days} "
        f"and _file in ({gone}) and {version} not in (select {version} from checked where _fault is null)"
    )


def _judge_doubles(planner: Planner, table: Table) -> None:
    """`doubles`: the keys with several reports; `judged`: their reports, and which of them stays. Rejects ties."""
    connection = planner.connection
    key, version = _names(table.key), _names(table.version)
    values = f"hash({', '.join(quote(name) for name in table.column_names)})"
    connection.execute(
        f"create or replace temp table doubles as select {key} as key from checked where _fault is null "
        f"group by {key} having count(*) > 1"
    )
    connection.execute(
        "create or replace temp table judged as select *, not is_tie and row_number() over "
        f"(partition by {key} order by is_tie, {quote(str(table.stamp))} desc, _file desc, _row desc) = 1 as stays "
        f"from (select * exclude (_fault), min({values}) over version <> max({values}) over version as is_tie "
        f"from checked where _fault is null and {key} in (from doubles) window version as (partition by {version}))"
    )
    planner.reject_ties(table, f"partition by {version}")


def _names(names: Sequence[str]) -> str:
    return f"({', '.join(quote(name) for name in names)})"

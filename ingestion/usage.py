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
from ingestion.plans import Plan, Planner
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
        _plan_days(planner, plan, number, days, [file for day in days for file in by_day[day]])
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


def _plan_days(planner: Planner, plan: Plan, number: int, days: Sequence[date], files: list[SourceFile]) -> None:
    table, connection = plan.table, planner.connection
    in_days = f"date between date '{days[0]}' and date '{days[-1]}' and list_contains({_dates(days)}, date)"
    with planner.reading(table, files) as columns:
        _gather_reports(planner, plan, in_days)
        _judge_doubles(planner, table)
        data = ", ".join(quote(column.name) for column in columns)
        query = (
            f"select {data}, _file, _row from reports "
            "anti join (select _file, _row from judged where not stays) using (_file, _row)"
        )
        technical = table.technical_columns
        changes = planner.write_changes(f"{table.raw_name}_{number}", query, (*columns, *technical))
        plan.counts += planner.count_rows(table, files)
    plan.changes += changes
    plan.days += days
    written = [f"read_parquet({literal(str(change.path))})" for change in changes]
    before, after = (
        dict(connection.execute(f"select date, count(*) from {relation} where {in_days} group by date").fetchall())
        for relation in (planner.raw_rows(table), *(written or ["(select null::date as date where false)"]))
    )
    plan.rows_lost += sum(max(0, rows - after.get(day, 0)) for day, rows in before.items())


def _dates(days: Sequence[date]) -> str:
    return "[" + ", ".join(f"date '{day}'" for day in days) + "]"


def _gather_reports(planner: Planner, plan: Plan, in_days: str) -> None:
    """The view `reports`: the good rows that were read, and those of files that are no longer there.

    A report of a file that is gone stays in its day, unless a file that is there has one with the same stamp.
    """
    table = plan.table
    version = ", ".join(quote(name) for name in table.version)
    query = "from good"
    if plan.vanished:
        gone = ", ".join(literal(file) for file in sorted(plan.vanished))
        query += (
            f" union all by name (from {planner.raw_rows(table)} where {in_days} and _file in ({gone}) "
            f"and ({version}) not in (select ({version}) from good))"
        )
    planner.connection.execute(f"create or replace temp view reports as {query}")


def _judge_doubles(planner: Planner, table: Table) -> None:
    """The temporary table `judged`: the reports that are not alone with their key, and which of them stays.

    Step by step, so that most rows are only ever looked at by their key.
    """
    connection = planner.connection
    key = ", ".join(quote(name) for name in table.key)
    version = ", ".join(quote(name) for name in table.version)
    values = ", ".join(quote(name) for name in table.column_names)
    connection.execute(
        f"create or replace temp table doubles as select {key} from reports group by {key} having count(*) > 1"
    )
    connection.execute(
        f"create or replace temp table doubled as select {version}, _file, _row, "
        f"count(*) over (partition by {version}) as alike from reports semi join doubles using ({key})"
    )
    connection.execute(
        f"create or replace temp table ties as select {version}, true as is_tie from reports semi join "
        "(select _file, _row from doubled where alike > 1) using (_file, _row) "
        f"group by {version} having count(distinct hash({values})) > 1"
    )
    connection.execute(
        "create or replace temp table judged as select * replace (is_tie is not null as is_tie), is_tie is null and "
        f"row_number() over (partition by {key} order by is_tie nulls first, {quote(str(table.stamp))} desc, "
        f"_file desc, _row desc) = 1 as stays from doubled left join ties using ({version})"
    )
    planner.reject_ties(table, f"partition by {version}")

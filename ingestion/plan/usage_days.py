"""Plan the rows of usage: one per day and organization, replaced by whole days.

A day with a new or changed file is read again completely, in batches that limit memory and load packages. The newest
report wins; of equal `received_at` the last by file (natural order) and position wins, and others with different values
are listed.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

from collections.abc import Iterator, Sequence
from datetime import date

from ingestion.contract.model import Table
from ingestion.errors import UnreadableFilesError
from ingestion.plan.planner import PLACE_BITS, REPLACED_BY, Plan, Planner, scalar
from ingestion.read.files import SourceFile
from ingestion.write.ledger import TableLedger
from warehouse.sql_text import literal, quote

BATCH_BYTES = 64 * 1024 * 1024
KEPT_PLACES = 1000 << PLACE_BITS


def plan_usage(planner: Planner, table: Table, files: list[SourceFile], ledger: TableLedger) -> Plan:
    """Plan the days that have a new or changed file. Raises `SourceError`."""
    plan = Plan(table, files, ledger.vanished(files), rows_before=planner.count_raw_rows(table))
    by_day: dict[date, list[SourceFile]] = {}
    for file in files:
        if file.day:
            by_day.setdefault(file.day, []).append(file)
    stale = [day for day, of_day in by_day.items() if not all(ledger.is_loaded(file) for file in of_day)]
    # Newest first: they have the counters that were added later.
    broken: dict[str, str] = {}
    for number, days in enumerate(reversed(list(_batches(sorted(stale), by_day)))):
        try:
            _plan_days(planner, plan, number, days, [file for day in days for file in by_day[day]])
        except UnreadableFilesError as error:
            broken |= error.sentences
    if broken:
        raise UnreadableFilesError(broken)
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
        planner.rank_files([file.path for file in files])
        _judge_reports(planner, table)
        names = f"{', '.join(quote(column.name) for column in columns)}, _path, _row"
        losers = "anti join (select _place from judged where not stays) using (_place)"
        query = f"select {names} from checked {losers}"
        if plan.vanished:
            query += (
                f" union all select {names} from (from (from checked limit 0) union all by name from kept) {losers}"
            )
        technical = table.technical_columns
        changes = planner.write_changes(f"{table.raw_name}_{number}", query, (*columns, *technical))
        plan.counts += planner.count_rows(table, files)
    plan.changes += changes
    plan.days += days
    written = [f"read_parquet({literal(change.path)})" for change in changes]
    before, after = (
        dict(connection.execute(f"select date, count(*) from {relation} where {in_days} group by date").fetchall())
        for relation in (planner.raw_rows(table), *(written or ["(select null::date as date where false)"]))
    )
    plan.empty_days += [day for day in days if day not in after]
    plan.rows_lost += sum(max(0, rows - after.get(day, 0)) for day, rows in before.items())


def _dates(days: Sequence[date]) -> str:
    return "[" + ", ".join(f"date '{day}'" for day in days) + "]"


def _gather_reports(planner: Planner, plan: Plan, in_days: str) -> None:
    """Create table `reports`: key, stamp, place and `is_bad` of every report.

    If files have vanished, also `kept`: their rows, unless an existing file has a report with the same stamp.
    """
    table, connection = plan.table, planner.connection
    version = ", ".join(quote(name) for name in table.version)
    connection.execute(
        f"create or replace temp table reports as select {version}, _place, _is_bad as is_bad from checked"
    )
    if scalar(connection, "select count(*) from reports where is_bad"):
        planner.reject_faults(table)
    if plan.vanished:
        gone = ", ".join(literal(file) for file in sorted(plan.vanished))
        connection.execute(
            f"create or replace temp table kept as select *, {KEPT_PLACES} + row_number() over () as _place "
            f"from {planner.raw_rows(table)} where {in_days} and _path in ({gone}) "
            f"and ({version}) not in (select ({version}) from reports where not is_bad)"
        )
        connection.execute(f"insert into reports select {version}, _place, false from kept")


def _judge_reports(planner: Planner, table: Table) -> None:
    """Create table `judged`: reports that are bad or share their key, and which of them stays."""
    connection = planner.connection
    key = ", ".join(quote(name) for name in table.key)
    version = ", ".join(quote(name) for name in table.version)
    values = ", ".join(quote(name) for name in table.column_names)
    connection.execute(
        f"create or replace temp table doubles as select {key} from reports where not is_bad group by {key} "
        "having count(*) > 1"
    )
    connection.execute(
        f"create or replace temp table doubled as select *, count(*) over (partition by {version}) as alike "
        f"from reports semi join doubles using ({key}) where not is_bad"
    )
    connection.execute(
        f"create or replace temp table equals as select _place, _path, _row, _rank, hash({values}) as _values "
        "from checked semi join (select _place from doubled where alike > 1) using (_place) join ranks using (_path)"
    )
    later_first = f"{quote(str(table.stamp))} desc, _rank desc, _row desc, _place desc"
    connection.execute(
        f"create or replace temp table judged as select {version}, _place, {REPLACED_BY} as replaced_by, "
        f"row_number() over (partition by {key} order by {later_first}) = 1 as stays "
        "from doubled left join equals using (_place) "
        f"window later as (partition by {version} order by _rank, _row) "
        f"union all select {version}, _place, null, false from reports where is_bad"
    )
    if scalar(connection, "select count(*) from judged where replaced_by is not null"):
        planner.list_replaced(table, "(from checked join (select _place, replaced_by from judged) using (_place))")

"""Check a source root as a load would, in a database of its own that is thrown away: no warehouse is touched."""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.contract.model import Table
from ingestion.plan.all_tables import plan_sources
from ingestion.plan.limits import insert_in_any_order
from ingestion.plan.planner import Plan, Planner
from ingestion.read.files import SourceRoot
from ingestion.write import ledger
from settings import Settings
from warehouse.connection import limit_memory
from warehouse.sql_text import literal, quote

MOST_KINDS = 20
# Faults of a column are alike if their sentences are, but for the value that they begin with. Read from `rejects`.
KINDS = """
    select file, position, coalesce(column_name, 'the whole row') as column_name, reason, rows_alike
    from (
        select *, count(*) over kind as rows_alike, row_number() over (kind order by file, position) as place
        from rejects
        where table_name = ? and rule <> ?
        window kind as (partition by column_name, regexp_replace(reason, '^''.*'' ', ''))
    )
    where place = 1
    order by rows_alike desc, file, position
    limit ?
"""


@dataclass(frozen=True)
class FaultKind:
    """Rows of a table that are set aside for the same reason: the first of them, and how many there are."""

    example: str
    rows: int


@dataclass(frozen=True)
class TableCheck:
    """One table of a source root. Days are those of its stamp, of creation or of the row, as text.

    `rows_read` are good or bad; `rows_kept` are those that a load keeps, with every version of a key. `never_filled`
    names columns that may be null and are so in every row.
    """

    table: Table
    files: int
    rows_read: int
    rows_set_aside: int
    rows_kept: int
    first_day: str | None
    last_day: str | None
    never_filled: list[str]
    faults: list[FaultKind]
    is_unreadable: bool


@dataclass
class SourceCheck:
    """With a fault, a sentence each, a load of this source root fails."""

    address: str
    tables: list[TableCheck] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether no table has a file, not even one that cannot be read."""
        return not any(each.files or each.is_unreadable for each in self.tables)


def check_sources(settings: Settings) -> SourceCheck:
    """Read and check every table of the source root. Raises `SourceError` if it cannot be listed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="growth-check-") as folder, duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        limit_memory(connection, Path(folder) / "check")
        insert_in_any_order(connection)
        ledger.prepare(connection)
        root = SourceRoot(settings.resolved_source_root, Path(folder) / "copies")
        planner = Planner(connection, root, Path(folder), starts_over=True, suppresses=False)
        source = plan_sources(planner, settings, None, {})
        check = SourceCheck(root.address, faults=source.faults)
        for path in source.listing.unknown:
            check.warnings.append(f"{path} belongs to no table of the contract and is not read")
        check.warnings += planner.ignored_columns()
        check.tables = [_check_table(connection, plan) for plan in source.plans.values()]
    check.warnings += [
        f"{each.table.path}: none of its files has a row: a load passes, and there is nothing to count"
        for each in check.tables
        if each.table.required and each.files and not each.rows_read
    ]
    check.seconds = time.monotonic() - started
    return check


def unknowns(check: SourceCheck) -> list[tuple[str, tuple[str, ...]]]:
    """What is not known without the optional tables that have no row: a sentence, and the marts or their columns."""
    return [
        (f"no {each.table.path}: {each.table.without}", each.table.unknown_marts)
        for each in check.tables
        if each.table.without and not each.rows_kept and not each.is_unreadable
    ]


def _check_table(connection: duckdb.DuckDBPyConnection, plan: Plan) -> TableCheck:
    table = plan.table
    rows, first, last, never_filled = _look_through(connection, plan)
    return TableCheck(
        table=table,
        files=len(plan.present),
        rows_read=plan.rows_read,
        rows_set_aside=plan.rows_set_aside,
        rows_kept=rows,
        first_day=first,
        last_day=last,
        never_filled=never_filled,
        faults=_kinds_of_faults(connection, table),
        is_unreadable=plan.is_partial and not (table.required and not plan.present),
    )


def _kinds_of_faults(connection: duckdb.DuckDBPyConnection, table: Table) -> list[FaultKind]:
    rows = connection.execute(KINDS, [table.raw_name, ledger.TIE, MOST_KINDS]).fetchall()
    return [FaultKind(f"{file} row {place}, {column}: {reason}", alike) for file, place, column, reason, alike in rows]


def _look_through(connection: duckdb.DuckDBPyConnection, plan: Plan) -> tuple[int, str | None, str | None, list[str]]:
    """Rows that a load keeps, their first and last day, and the columns without any value."""
    if not plan.changes:
        return 0, None, None, []
    table, day = plan.table, _day_column(plan.table)
    files = ", ".join(literal(change.path) for change in plan.changes)
    optional = [column.name for column in table.columns if column.nullable and table.stored != "objects"]
    counts = "".join(f", count({quote(name)})" for name in optional)
    days = f"min({quote(day)})::date::varchar, max({quote(day)})::date::varchar" if day else "null, null"
    [(rows, first, last, *filled)] = connection.execute(
        f"select count(*), {days}{counts} from read_parquet([{files}], union_by_name = true)"
    ).fetchall()
    return rows, first, last, [name for name, count in zip(optional, filled, strict=True) if not count]


def _day_column(table: Table) -> str | None:
    if table.stored == "days":
        return "date"
    if table.stored == "objects":
        return "created"
    return table.stamp or next((column.name for column in table.columns if column.type == "date"), None)

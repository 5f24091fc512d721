"""Load the files of a source root into schema raw.

All tables are read and checked before anything is written. One transaction at the end records the files; after an
interrupted load the next one reads them again and ends in the same state.
"""

import logging
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.contract.model import Contract, Table, load_contract
from ingestion.contract.raw_tables import literal, raw_table
from ingestion.errors import SourceError
from ingestion.plan.planner import Plan, Planner, scalar
from ingestion.plan.table_rows import plan_table
from ingestion.plan.usage_days import plan_usage
from ingestion.privacy.suppression import apply_list, clear_rejects
from ingestion.read.files import Listing, SourceRoot
from ingestion.write import ledger
from ingestion.write.delivery import deliver
from settings import Settings
from warehouse.connection import connect
from warehouse.folder import clear

logger = logging.getLogger(__name__)

MEMORY_LIMIT = "1GB"
FEW_ROWS = 100
# A few bad rows are accepted in any table; many mean that a feed has changed.
FEW_SET_ASIDE = 10
SHOWN_REJECTS = 3


@dataclass(frozen=True)
class TableReport:
    """`rows_set_aside` counts only rows read by this load."""

    table_name: str
    is_absent: bool
    files_seen: int
    files_read: int
    rows_read: int
    rows_changed: int
    rows_set_aside: int
    rows_total: int
    seconds: float


@dataclass
class LoadReport:
    """`rows_rejected` counts all rows set aside, by this load and earlier ones; replaced rows do not count."""

    tables: list[TableReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows_rejected: int = 0
    seconds: float = 0.0


def load_sources(settings: Settings, *, tables: set[str] | None = None) -> LoadReport:
    """Load every table of the contract, or those in `tables` (raw names).

    The caller holds the lock on the warehouse. Raises `SourceError`; schema raw is then unchanged except for the
    rejects of the failed table.
    """
    work_dir = settings.data_dir / "state" / "load"
    clear(work_dir)
    work_dir.mkdir(parents=True)
    try:
        with connect(settings.warehouse_path) as connection:
            connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
            # Otherwise large inserts leave partly filled row groups, and a checkpoint rewrites the table: 3 s more for
            # 2.4 million reports, and twice the size.
            connection.execute("set preserve_insertion_order = false")
            connection.execute(f"set temp_directory = {literal(str(work_dir / 'spill'))}")
            return _Load(connection, settings, work_dir).run(tables)
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


def is_all_loaded(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether a load would read nothing and say nothing. Raises `SourceError`."""
    root = SourceRoot(settings.resolved_source_root, settings.data_dir / "state" / "load" / "copies")
    listing = root.list_files(load_contract())
    ledgers = ledger.read_ledger(connection)
    tables = {name: ledgers.get(name, ledger.TableLedger()) for name in listing.files}
    return (
        not listing.unknown
        and ledger.source_root(connection) == root.address
        and all(tables[name].is_loaded(file) for name, files in listing.files.items() for file in files)
        and not any(tables[name].vanished(files) for name, files in listing.files.items())
    )


class _Load:
    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings, work_dir: Path) -> None:
        self.connection = connection
        self.settings = settings
        self.root = SourceRoot(settings.resolved_source_root, work_dir / "copies")
        ledger.prepare(connection)
        last_root = ledger.source_root(connection)
        self.starts_over = last_root not in {None, self.root.address}
        self.suppresses = apply_list(connection, settings)
        self.planner = Planner(
            connection, self.root, work_dir, starts_over=self.starts_over, suppresses=self.suppresses
        )
        self.seconds: dict[str, float] = {}
        if self.starts_over:
            logger.info(f"the source root changed from {last_root} to {self.root.address}: load everything anew")

    def run(self, names: set[str] | None) -> LoadReport:
        started = time.monotonic()
        contract = load_contract()
        tables = [table for table in contract.tables if names is None or table.raw_name in names]
        listing = self.root.list_files(contract)
        _require(tables, listing, self.root)
        self._refuse_data_day_outside_data(listing)
        plans = self._plan(tables, listing)
        if self.suppresses:
            clear_rejects(self.connection, "rejects")
        for plan in plans.values():
            self._accept(plan)
        self._write(list(plans.values()))
        return self._report(plans, listing, contract, time.monotonic() - started)

    def _refuse_data_day_outside_data(self, listing: Listing) -> None:
        """Raise `SourceError` if the requested data day is outside the data."""
        asked = self.settings.as_of
        days = {file.day for files in listing.files.values() for file in files if file.day}
        if asked and days and not self.starts_over:
            loaded = self.connection.execute("select min(date), max(date) from raw.usage__usage_reports").fetchall()
            days |= {day for day in loaded[0] if day}
        if asked and days and not min(days) <= asked <= max(days):
            raise SourceError(
                f"GROWTH_AS_OF={asked} is outside the data, which covers {min(days)} to {max(days)}: nothing is "
                "loaded. Choose a day in this range, or leave GROWTH_AS_OF empty for the newest complete day"
            )

    def _plan(self, tables: list[Table], listing: Listing) -> dict[str, Plan]:
        plans: dict[str, Plan] = {}
        ledgers = {} if self.starts_over else ledger.read_ledger(self.connection)
        for table in tables:
            started = time.monotonic()
            files = listing.files[table.raw_name]
            known = ledgers.get(table.raw_name, ledger.TableLedger())
            if table.stored == "days":
                plan = plan_usage(self.planner, table, files, known)
            else:
                plan = plan_table(self.planner, table, files, known, plans)
            plans[table.raw_name] = plan
            self.seconds[table.raw_name] = time.monotonic() - started
            if plan.files_read:
                logger.info(
                    f"read {table.path}: {len(plan.files_read):,} of {len(files):,} files, {plan.rows_read:,} rows, "
                    f"{plan.rows_changed:,} to write, {plan.rows_set_aside:,} set aside"
                )
        return plans

    def _accept(self, plan: Plan) -> None:
        """Raise `SourceError` if too many rows are bad or missing."""
        table, set_aside, read = plan.table, plan.rows_set_aside, plan.rows_read
        if set_aside > max(FEW_SET_ASIDE, self.settings.max_set_aside_share * read):
            first = self.connection.execute(
                "select file, position, coalesce(column_name, 'the whole row'), reason from rejects "
                "where table_name = ? and rule <> ? order by file, position limit ?",
                [table.raw_name, ledger.TIE, SHOWN_REJECTS],
            ).fetchall()
            if not self.starts_over:
                ledger.replace_rejects(self.connection, table.raw_name, plan.files_read, plan.present)
            shown = "; ".join(f"{file} row {row}, {column}: {reason}" for file, row, column, reason in first)
            raise SourceError(
                f"{table.path}: {set_aside:,} of {read:,} rows break the contract ({set_aside / read:.1%}; the limit "
                f"is {self.settings.max_set_aside_share:.1%} or {FEW_SET_ASIDE} rows), so nothing is loaded. {shown}. "
                "Fix the files (`growth rejects` lists every such row), or raise GROWTH_MAX_SET_ASIDE_SHARE for one run"
            )
        if plan.rows_lost > max(FEW_ROWS, self.settings.max_lost_share * plan.rows_before):
            raise SourceError(
                f"{table.path}: {plan.rows_lost:,} of {plan.rows_before:,} loaded rows are missing from the changed "
                f"files (the limit is {self.settings.max_lost_share:.0%}), so nothing is loaded. Restore the files, or "
                "raise GROWTH_MAX_LOST_SHARE for one run"
            )

    def _write(self, plans: list[Plan]) -> None:
        """Write all changes, then record the loaded files in one transaction."""
        for plan in plans:
            if plan.vanished and not plan.files_read:
                ledger.replace_rejects(self.connection, plan.table.raw_name, [], plan.present)
        plans = [plan for plan in plans if plan.files_read]
        if not plans:
            return
        if self.starts_over:
            ledger.start_over(self.connection)
        root = self.root.address
        for plan in plans:
            ledger.mark(self.connection, root, plan.table.raw_name, plan.files_read)
        for plan in plans:
            if plan.days:
                delete = f"delete from {raw_table(plan.table)} where list_contains(?, date)"  # noqa: S608 (quoted name)
                self.connection.execute(delete, [plan.days])
        deliveries = [(plan.table, plan.changes) for plan in plans if plan.changes]
        if deliveries:
            logger.info(f"write {sum(plan.rows_changed for plan in plans):,} rows into {len(deliveries)} tables")
            deliver(self.connection, self.settings.dlt_dir, deliveries)
        logger.info("record the loaded files")
        self.connection.execute("begin")
        for plan in plans:
            ledger.record(self.connection, root, plan.table.raw_name, plan.counts, plan.present)
        self.connection.execute("commit")

    def _report(self, plans: dict[str, Plan], listing: Listing, contract: Contract, seconds: float) -> LoadReport:
        report = LoadReport(seconds=seconds)
        report.rows_rejected = ledger.count_set_aside(self.connection)
        rows_replaced = ledger.count_replaced(self.connection)
        for path in listing.unknown:
            report.warnings.append(f"{path} belongs to no table of the contract and is ignored")
        report.warnings += self.planner.ignored_columns()
        for name, plan in plans.items():
            if plan.vanished:
                report.warnings.append(
                    f"{plan.table.path}: {len(plan.vanished):,} loaded files no longer exist; their rows are kept"
                )
            if plan.files_read and name in rows_replaced:
                report.warnings.append(
                    f"{plan.table.path}: {rows_replaced[name]:,} rows were replaced by later rows with the same key "
                    "and other values: `growth rejects` lists them"
                )
            report.tables.append(
                TableReport(
                    table_name=name,
                    is_absent=not plan.present,
                    files_seen=len(plan.present),
                    files_read=len(plan.files_read),
                    rows_read=plan.rows_read,
                    rows_changed=plan.rows_changed,
                    rows_set_aside=plan.rows_set_aside,
                    rows_total=scalar(self.connection, f"select count(*) from {raw_table(plan.table)}"),  # noqa: S608
                    seconds=self.seconds[name],
                )
            )
        return report


def _require(tables: list[Table], listing: Listing, root: SourceRoot) -> None:
    missing = [table.path for table in tables if table.required and not listing.files[table.raw_name]]
    if missing:
        alike = [path for path in listing.unknown if path.startswith(tuple(missing))]
        raise SourceError(
            f"the source root {root.address} has no {', '.join(missing)}"
            f"{' (' + ', '.join(alike) + ' is not read)' if alike else ''}: add each as one file, such as "
            f"{missing[0]}.parquet, or as a folder of files, or correct GROWTH_SOURCE_ROOT (docs/sources.md)"
        )

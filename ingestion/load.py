"""Load the files of a source root into schema raw.

All tables are read and checked before anything is written, and all that is wrong with them is said at once. One
transaction at the end records the files; after an interrupted load the next one reads them again and ends in the same
state.
"""

import logging
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.contract.model import load_contract
from ingestion.contract.raw_tables import raw_table
from ingestion.plan.all_tables import SourcePlan, plan_sources
from ingestion.plan.limits import insert_in_any_order, is_refused
from ingestion.plan.planner import Plan, Planner, scalar
from ingestion.privacy.suppression import apply_list
from ingestion.read.files import SourceRoot
from ingestion.write import ledger
from ingestion.write.delivery import deliver
from ingestion.write.iceberg_copy import copy_changes, copy_notes, tables_behind
from ingestion.write.usage_days import drop_days, note_days
from settings import Settings
from warehouse.connection import connect
from warehouse.folder import clear

logger = logging.getLogger(__name__)


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
    """Load every table of the contract, or those in `tables` (raw names) and tables whose references to these change.

    The caller holds the lock on the warehouse. Raises `SourceError`; schema raw is then unchanged except for the
    rejects of the refused tables.
    """
    work_dir = settings.data_dir / "state" / "load"
    clear(work_dir)
    work_dir.mkdir(parents=True)
    try:
        with connect(settings.warehouse_path) as connection:
            insert_in_any_order(connection)
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
        not (listing.unknown or listing.faults)
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
        if self.starts_over:
            logger.info(f"the source root changed from {last_root} to {self.root.address}: load everything anew")

    def run(self, names: set[str] | None) -> LoadReport:
        started = time.monotonic()
        ledgers = {} if self.starts_over else ledger.read_ledger(self.connection)
        source = plan_sources(self.planner, self.settings, names, ledgers)
        if source.faults:
            self._keep_refused_rows(source)
            raise source.error
        for plan in source.plans.values():
            if plan.files_read:
                logger.info(
                    f"read {plan.table.path}: {len(plan.files_read):,} of {len(plan.present):,} files, "
                    f"{plan.rows_read:,} rows, {plan.rows_changed:,} to write, {plan.rows_set_aside:,} set aside"
                )
        self._write(list(source.plans.values()))
        return self._report(source, time.monotonic() - started)

    def _keep_refused_rows(self, source: SourcePlan) -> None:
        """Let `growth rejects` list the bad rows of every table that is refused."""
        for plan in source.plans.values():
            if is_refused(plan, self.settings) and not self.starts_over:
                ledger.replace_rejects(self.connection, plan.table.raw_name, plan.files_read, plan.present)
                # A file that is brought back as it was is read again, which takes its bad rows off the list.
                ledger.read_again(self.connection, plan.table.raw_name, [file.path for file in plan.files_read])

    def _write(self, plans: list[Plan]) -> None:
        """Write all changes, then record the loaded files in one transaction."""
        # What another engine loaded in between is in no copy.
        behind = tables_behind(self.connection, self.settings) if self.settings.target == "spark" else set()
        for plan in plans:
            if not plan.files_read:
                ledger.replace_rejects(self.connection, plan.table.raw_name, [], plan.present)
            # A file that comes back has to be judged with the others.
            ledger.read_again(self.connection, plan.table.raw_name, sorted(plan.vanished))
        plans = [plan for plan in plans if plan.files_read]
        if plans:
            self._write_rows(plans, behind)
        elif self.settings.target == "spark":
            copy_changes(self.connection, dict.fromkeys(behind), self.settings)
            copy_notes(self.connection, self.settings)

    def _write_rows(self, plans: list[Plan], behind: set[str]) -> None:
        if self.starts_over:
            ledger.start_over(self.connection)
        root = self.root.address
        for plan in plans:
            ledger.mark(self.connection, root, plan.table.raw_name, plan.files_read)
        for plan in plans:
            if plan.days:
                drop_days(self.connection, plan.table, plan.days, plan.empty_days)
        deliveries = [(plan.table, plan.changes) for plan in plans if plan.changes]
        if deliveries:
            logger.info(f"write {sum(plan.rows_changed for plan in plans):,} rows into {len(deliveries)} tables")
            deliver(self.connection, self.settings.dlt_dir, deliveries)
        if self.settings.target == "spark":
            changed = {plan.table.raw_name: plan.days for plan in plans} | dict.fromkeys(behind)
            copy_changes(self.connection, changed, self.settings, everything=self.starts_over)
        self._record(plans)

    def _record(self, plans: list[Plan]) -> None:
        logger.info("record the loaded files")
        self.connection.execute("begin")
        for plan in plans:
            ledger.record(self.connection, self.root.address, plan.table.raw_name, plan.counts, plan.present)
            if plan.days:
                note_days(self.connection, plan.table)
        if self.settings.target == "spark":
            copy_notes(self.connection, self.settings)
        self.connection.execute("commit")

    def _report(self, source: SourcePlan, seconds: float) -> LoadReport:
        report = LoadReport(seconds=seconds)
        report.rows_rejected = ledger.count_set_aside(self.connection)
        rows_replaced = ledger.count_replaced(self.connection)
        for path in source.listing.unknown:
            report.warnings.append(f"{path} belongs to no table of the contract and is ignored")
        report.warnings += self.planner.ignored_columns()
        for name, plan in source.plans.items():
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
                    seconds=plan.seconds,
                )
            )
        return report

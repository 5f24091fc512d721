"""Land the product's PostgreSQL database: every table of the mapping from one snapshot, as far as it changed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from connectors.comparison import Snapshot, land_snapshot
from connectors.landing import landing_root, state_folder
from connectors.layout import Layout
from connectors.mapping import TableMapping, read_mapping
from connectors.postgres.check import describe
from connectors.postgres.connection import SYSTEM, with_snapshot
from connectors.postgres.select import ordered_rows, reports_by_day, reports_of_days, reports_since, unknown_values
from connectors.postgres.usage import Window, days_that_are_short, land_reports, read_window, write_window
from connectors.report import LandingError, LandingReport, TableLanding
from ingestion.contract.model import Table, load_contract
from settings import Settings

MAPPING_NAME = "postgres.yml"
SHOWN_DAYS = 5


def land_postgres(settings: Settings) -> LandingReport:
    """Land what is new. Raises `LandingError` if nothing can be landed; a table that cannot is in `failures`."""
    return _Landing(settings).run()


def check_postgres(settings: Settings) -> list[str]:
    """Every fault of the connection and the mapping, and every value that the contract does not know; lands nothing."""
    path = settings.mappings_dir / MAPPING_NAME
    try:
        mapping = read_mapping(path, load_contract())
        return with_snapshot(settings, lambda connection: _faults(connection, path, mapping))
    except LandingError as error:
        return [str(error)]


def _faults(connection: psycopg.Connection, path: Path, mapping: dict[Table, TableMapping]) -> list[str]:
    faults: list[str] = []
    for table, entry in mapping.items():
        given = describe(connection, path, table, entry)
        faults += given.faults or _unknown(connection, path, table, entry, names=given.names)
    return faults


@dataclass
class _Reading:
    """What one snapshot of the database gave."""

    taken_at: datetime
    layouts: dict[Table, Layout] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    reports_by_day: dict[str, int] = field(default_factory=dict)


class _Landing:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.mappings_dir / MAPPING_NAME
        self.mapping = read_mapping(self.path, load_contract())
        self.root = landing_root(settings, SYSTEM)
        self.state = state_folder(settings, SYSTEM)
        self.work = self.state / "work"

    def run(self) -> LandingReport:
        report = LandingReport(SYSTEM)
        with self.root.hold(f"growth land {SYSTEM}"):
            try:
                self._clear()
                self.work.mkdir(parents=True)
                reading = with_snapshot(self.settings, self._read)
                report.warnings += reading.warnings
                for table in reading.layouts:
                    try:
                        landing = self._land(reading, table)
                    except LandingError as error:
                        report.failures.append(str(error))
                    else:
                        report.tables.append(landing)
                        report.warnings += landing.warnings
            finally:
                self._clear()
        return report

    def _clear(self) -> None:
        for folder in (self.work, self.state / "copies"):
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self, connection: psycopg.Connection) -> _Reading:
        """Check every select, then copy every table into the working folder. Raises `LandingError`."""
        given = {table: describe(connection, self.path, table, entry) for table, entry in self.mapping.items()}
        if faults := [fault for each in given.values() for fault in each.faults]:
            raise LandingError("\n".join(faults))
        reading = _Reading(_instant_of_snapshot(connection))
        for table, entry in self.mapping.items():
            names = given[table].names
            layout = reading.layouts[table] = Layout.of(table, names)
            reading.warnings += _unknown(connection, self.path, table, entry, names=names)
            if table.stored == "days":
                window = read_window(self.root, layout)
                self._copy(connection, table, reports_since(layout, entry, names, window.since))
                if window.is_to_be_counted(reading.taken_at):
                    with _naming(table, self.path):
                        counted = connection.execute(reports_by_day(table, entry, names)).fetchall()
                    reading.reports_by_day = dict(counted)
            else:
                self._copy(connection, table, ordered_rows(layout, entry, names))
        return reading

    def _copy(self, connection: psycopg.Connection, table: Table, query: sql.Composed) -> None:
        """Write the rows of a query to a CSV file, as PostgreSQL writes them."""
        copy = sql.SQL("copy ({query}) to stdout (format csv, header)").format(query=query)
        with (
            _naming(table, self.path),
            connection.cursor() as cursor,
            cursor.copy(copy) as rows,
            self._csv(table).open("wb", 1 << 20) as file,
        ):
            file.writelines(rows)

    def _csv(self, table: Table) -> Path:
        return self.work / f"{table.raw_name}.csv"

    def _land(self, reading: _Reading, table: Table) -> TableLanding:
        layout = reading.layouts[table]
        if table.stored == "days":
            return self._land_usage(reading, layout)
        snapshot = Snapshot(SYSTEM, layout, self._csv(table), reading.taken_at)
        return land_snapshot(self.root, snapshot, self.state, self.settings.max_lost_share)

    def _land_usage(self, reading: _Reading, layout: Layout) -> TableLanding:
        """Land the window; if a count is due, land the days again that are short."""
        window = read_window(self.root, layout)
        reports = land_reports(self.root, layout, self._csv(layout.table), reading.taken_at)
        landing, counted_at = reports.landing, window.counted_at or reading.taken_at
        if window.is_to_be_counted(reading.taken_at):
            counted_at = reading.taken_at
            short = days_that_are_short(self.root, layout, reading.reports_by_day)
            landing = self._land_days(layout, short, landing) if short else landing
        received_at = max(filter(None, (window.received_at, reports.received_at)), default=None)
        if received_at and (later := Window(received_at, counted_at)) != window:
            write_window(self.root, layout, later)
        return landing

    def _land_days(self, layout: Layout, short: dict[str, int], landing: TableLanding) -> TableLanding:
        """Land whole days again, from a snapshot of their own, and say which."""

        def read(connection: psycopg.Connection) -> datetime:
            entry = self.mapping[layout.table]
            names = describe(connection, self.path, layout.table, entry).names
            self._copy(connection, layout.table, reports_of_days(layout, entry, names, list(short)))
            return _instant_of_snapshot(connection)

        taken_at = with_snapshot(self.settings, read)
        again = land_reports(self.root, layout, self._csv(layout.table), taken_at).landing
        shown = ", ".join(list(short)[:SHOWN_DAYS]) + (", …" if len(short) > SHOWN_DAYS else "")
        warning = (
            f"{landing.source_table}: the weekly count found {sum(short.values()):,} reports of {len(short):,} days "
            f"({shown}) that no landing had seen, and landed them: they came into the database more than two days "
            "after their received_at"
        )
        return replace(
            landing,
            rows_new=landing.rows_new + again.rows_new,
            files=landing.files + again.files,
            warnings=(*landing.warnings, warning),
        )


@contextmanager
def _naming(table: Table, path: Path) -> Iterator[None]:
    """Say which table's rows cannot be computed. That the server or the connection went away is no fault of a table."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        raise LandingError(
            f"{SYSTEM}: reading {table.source}.{table.name} fails ({said}), so nothing is landed: correct its select "
            f"in {path}"
        ) from None


def _instant_of_snapshot(connection: psycopg.Connection) -> datetime:
    row = connection.execute("select transaction_timestamp()").fetchone()
    assert row is not None
    return row[0]


def _unknown(
    connection: psycopg.Connection, path: Path, table: Table, mapping: TableMapping, *, names: tuple[str, ...]
) -> list[str]:
    """A sentence for each value that the contract does not allow. Its rows land, and the load sets them aside."""
    query = unknown_values(table, mapping, names)
    with _naming(table, path):
        found = connection.execute(query).fetchall() if query else []
    return [
        f"{table.source}.{table.name}.{column}: {value!r} is not a value of the contract, and the load sets its "
        f"{count:,} {'row' if count == 1 else 'rows'} aside: give it a meaning in {path}"
        for column, value, count in found
    ]

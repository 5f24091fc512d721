"""What has been loaded and what was set aside: `raw.loaded_files` and `raw.rejected_rows`.

A file is in the ledger with the fingerprint that it had when it was read. Before rows are written, the files that
they come from are marked (no fingerprint); the mark goes with the same transaction that enters them. A mark that is
found at the start is from a load that was ended on its way: its tables are read again whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from ingestion.contract.raw_tables import add_missing_columns, create_missing_tables
from ingestion.read.files import SourceFile
from warehouse.connection import next_turn

# The rule of rows that another one with the same key and stamp replaces; all other rules are of rows at fault.
TIE = "tie"


@dataclass(frozen=True)
class FileCounts:
    """A file that was read, with its rows and how many of them were set aside."""

    file: SourceFile
    rows_read: int
    rows_set_aside: int


@dataclass
class TableLedger:
    """What the ledger knows of one table: the fingerprint of each file (None: marked), and the rules of its rejects."""

    fingerprints: dict[str, str | None] = field(default_factory=dict)
    reject_rules: set[str] = field(default_factory=set)

    def is_known(self, file: SourceFile) -> bool:
        """Whether the file has been seen before, loaded or not."""
        return file.path in self.fingerprints

    def is_loaded(self, file: SourceFile) -> bool:
        """Whether the file has been loaded as it is now."""
        return self.fingerprints.get(file.path) == file.fingerprint

    def vanished(self, present: Iterable[SourceFile]) -> set[str]:
        """The files that were loaded once and are no longer there."""
        return set(self.fingerprints) - {file.path for file in present}


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing of schema raw, and the temporary table that collects the rows that are set aside."""
    create_missing_tables(connection)
    for table_name in add_missing_columns(connection):
        connection.execute("update raw.loaded_files set fingerprint = null where table_name = ?", [table_name])
    connection.execute("create temp table rejects as from raw.rejected_rows limit 0")


def source_root(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The source root that the rows of schema raw come from; None before the first load."""
    row = connection.execute("select any_value(source_root) from raw.loaded_files").fetchone()
    return row[0] if row else None


def read_ledger(connection: duckdb.DuckDBPyConnection) -> dict[str, TableLedger]:
    """What is known of each table, by its name in schema raw; a table without any file is not there."""
    # Without parameters: DuckDB imports pandas to look at one, which is half the time of a load that has nothing to do.
    ledgers: dict[str, TableLedger] = {}
    files = connection.execute("select table_name, file, fingerprint from raw.loaded_files").fetchall()
    for table_name, file, fingerprint in files:
        ledgers.setdefault(table_name, TableLedger()).fingerprints[file] = fingerprint
    rules = connection.execute("select distinct table_name, rule from raw.rejected_rows").fetchall()
    for table_name, rule in rules:
        ledgers.setdefault(table_name, TableLedger()).reject_rules.add(rule)
    return ledgers


def count_set_aside(connection: duckdb.DuckDBPyConnection) -> int:
    """How many rows are set aside in all."""
    [(rows,)] = connection.execute("select count(*) from raw.rejected_rows where rule <> ?", [TIE]).fetchall()
    return int(rows)


def count_replaced(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows of each table are listed because a later one with the same key replaces them."""
    query = "select table_name, count(*) from raw.rejected_rows where rule = ? group by table_name"
    return dict(connection.execute(query, [TIE]).fetchall())


def start_over(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty schema raw, for rows of another source root."""
    connection.execute("begin")
    connection.execute("drop schema if exists raw cascade")
    connection.execute("drop schema if exists raw_staging cascade")
    create_missing_tables(connection)
    connection.execute("commit")


def mark(connection: duckdb.DuckDBPyConnection, root: str, table_name: str, files: Sequence[SourceFile]) -> None:
    """Note that rows of these files are about to be written."""
    connection.execute(
        "insert or replace into raw.loaded_files (source_root, table_name, file) select ?, ?, unnest(?)",
        [root, table_name, [file.path for file in files]],
    )


def enter(
    connection: duckdb.DuckDBPyConnection,
    root: str,
    table_name: str,
    counts: Sequence[FileCounts],
    present: Sequence[SourceFile],
) -> None:
    """Enter files whose rows are loaded and replace their rejects; the caller's transaction makes it one step.

    A row of a file that was loaded before may now be replaced by one of a file that was read.
    """
    replace_rejects(connection, table_name, [entry.file for entry in counts], present)
    connection.execute(
        "insert into raw.rejected_rows from rejects where table_name = ? and list_contains(?, file)",
        [table_name, sorted({file.path for file in present} - {entry.file.path for entry in counts})],
    )
    connection.execute(
        "insert or replace into raw.loaded_files select ?, ?, unnest(?), unnest(?), unnest(?), unnest(?), ?, ?",
        [
            root,
            table_name,
            [entry.file.path for entry in counts],
            [entry.file.fingerprint for entry in counts],
            [entry.rows_read for entry in counts],
            [entry.rows_set_aside for entry in counts],
            datetime.now(UTC).replace(tzinfo=None),
            next_turn(connection),
        ],
    )


def replace_rejects(
    connection: duckdb.DuckDBPyConnection, table_name: str, read: Sequence[SourceFile], present: Sequence[SourceFile]
) -> None:
    """Put what was set aside of the files that were read in the place of what was set aside of them before.

    Rejects of files that are no longer there go: nobody can mend them.
    """
    here = {file.path for file in present} - {file.path for file in read}
    connection.execute(
        "delete from raw.rejected_rows where table_name = ? and not list_contains(?, file)",
        [table_name, sorted(here)],
    )
    connection.execute(
        "insert into raw.rejected_rows from rejects where table_name = ? and list_contains(?, file)",
        [table_name, [file.path for file in read]],
    )

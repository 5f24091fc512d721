"""Bookkeeping of loads: `raw.loaded_files` and `raw.rejected_rows`.

The ledger has each loaded file's fingerprint. Files whose rows are being written are marked (fingerprint null) until
the last transaction records them. A mark found at the start means an interrupted load: the table is read again
completely.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from ingestion.contract.raw_tables import add_missing_columns, create_missing_tables
from ingestion.read.files import SourceFile
from warehouse.connection import next_turn

# Rule of rows replaced by another with the same key and stamp; all other rules are for bad rows.
TIE = "tie"


@dataclass(frozen=True)
class FileCounts:
    file: SourceFile
    rows_read: int
    rows_set_aside: int


@dataclass
class TableLedger:
    """Fingerprint of each file (None if marked), and the rules of a table's rejects."""

    fingerprints: dict[str, str | None] = field(default_factory=dict)
    reject_rules: set[str] = field(default_factory=set)

    def is_known(self, file: SourceFile) -> bool:
        """Whether the file was seen before, loaded or not."""
        return file.path in self.fingerprints

    def is_loaded(self, file: SourceFile) -> bool:
        """Whether the current content of the file is loaded."""
        return self.fingerprints.get(file.path) == file.fingerprint

    def vanished(self, present: Iterable[SourceFile]) -> set[str]:
        """Loaded files that no longer exist."""
        return set(self.fingerprints) - {file.path for file in present}


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what schema raw lacks, and the temporary table `rejects`."""
    create_missing_tables(connection)
    # Together, or a process that ends between them leaves a column empty.
    connection.execute("begin")
    for table_name in add_missing_columns(connection):
        connection.execute("update raw.loaded_files set fingerprint = null where table_name = ?", [table_name])
    connection.execute("commit")
    connection.execute("create temp table rejects as from raw.rejected_rows limit 0")


def source_root(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The source root of the rows in schema raw; None before the first load."""
    row = connection.execute("select any_value(source_root) from raw.loaded_files").fetchone()
    return row[0] if row else None


def read_ledger(connection: duckdb.DuckDBPyConnection) -> dict[str, TableLedger]:
    """The ledger of each table that has files, by raw name."""
    # No parameters: to bind one, DuckDB imports pandas, half the time of an unchanged load.
    ledgers: dict[str, TableLedger] = {}
    files = connection.execute("select table_name, file, fingerprint from raw.loaded_files").fetchall()
    for table_name, file, fingerprint in files:
        ledgers.setdefault(table_name, TableLedger()).fingerprints[file] = fingerprint
    rules = connection.execute("select distinct table_name, rule from raw.rejected_rows").fetchall()
    for table_name, rule in rules:
        ledgers.setdefault(table_name, TableLedger()).reject_rules.add(rule)
    return ledgers


def count_set_aside(connection: duckdb.DuckDBPyConnection) -> int:
    [(rows,)] = connection.execute("select count(*) from raw.rejected_rows where rule <> ?", [TIE]).fetchall()
    return int(rows)


def count_replaced(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = "select table_name, count(*) from raw.rejected_rows where rule = ? group by table_name"
    return dict(connection.execute(query, [TIE]).fetchall())


def start_over(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty schema raw, before loading another source root."""
    connection.execute("begin")
    connection.execute("drop schema if exists raw cascade")
    connection.execute("drop schema if exists raw_staging cascade")
    create_missing_tables(connection)
    connection.execute("commit")


def mark(connection: duckdb.DuckDBPyConnection, root: str, table_name: str, files: Sequence[SourceFile]) -> None:
    connection.execute(
        "insert or replace into raw.loaded_files (source_root, table_name, file) select ?, ?, unnest(?)",
        [root, table_name, [file.path for file in files]],
    )


def record(
    connection: duckdb.DuckDBPyConnection,
    root: str,
    table_name: str,
    counts: Sequence[FileCounts],
    present: Sequence[SourceFile],
) -> None:
    """Record loaded files with their rejects, in the caller's transaction.

    Rows of files loaded earlier may be replaced by rows read now.
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


def read_again(connection: duckdb.DuckDBPyConnection, table_name: str, files: Sequence[str]) -> None:
    """Have the next load that finds these files read them, whatever their content."""
    if files:
        connection.execute(
            "update raw.loaded_files set fingerprint = null "
            "where table_name = ? and list_contains(?, file) and fingerprint is not null",
            [table_name, files],
        )


def replace_rejects(
    connection: duckdb.DuckDBPyConnection, table_name: str, read: Sequence[SourceFile], present: Sequence[SourceFile]
) -> None:
    """Replace the rejects of the files read, and delete those of vanished files: nobody can fix them."""
    here = {file.path for file in present} - {file.path for file in read}
    connection.execute(
        "delete from raw.rejected_rows where table_name = ? and not list_contains(?, file)",
        [table_name, sorted(here)],
    )
    connection.execute(
        "insert into raw.rejected_rows from rejects where table_name = ? and list_contains(?, file)",
        [table_name, [file.path for file in read]],
    )

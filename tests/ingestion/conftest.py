"""A source root of one's own, and a warehouse beside it."""

from pathlib import Path
from typing import Any

import pytest

from ingestion.load import LoadReport, TableReport, load_sources
from settings import Settings
from tests.support.source_root import write_source_root
from warehouse.connection import connect
from warehouse.sql_text import quote


class Source:
    """A source root in a folder, and the warehouse that it is loaded into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "source"
        self.data_dir = folder / "data"

    def settings(self, **changes: Any) -> Settings:
        """Settings for this source; by default any share of rows may be set aside."""
        values = {"source_root": str(self.root), "data_dir": self.data_dir, "max_set_aside_share": 1.0}
        return Settings(**{**values, **changes})

    def load(self, *tables: str, **changes: Any) -> LoadReport:
        """Load all tables, or only those named (`source/table`)."""
        names = {table.replace("/", "__") for table in tables} or None
        return load_sources(self.settings(**changes), tables=names)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the warehouse."""
        with connect(self.data_dir / "warehouse.duckdb", read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rejects(self, *columns: str) -> list[tuple[Any, ...]]:
        """The rejected rows in the order of files and positions; by default without the table and the rule."""
        shown = columns or ("file", "position", "column_name", "reason", "original_text")
        return self.query(f"select {', '.join(shown)} from raw.rejected_rows order by file, position")

    def raw(self, *without: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of schema raw by table, but the ledger of files; columns in alphabetical order."""
        columns: dict[str, list[str]] = {}
        for table, column in self.query(
            "select table_name, column_name from duckdb_columns() where schema_name = 'raw' "
            "and table_name not like '\\_dlt%' escape '\\' and table_name <> 'loaded_files' "
            "and column_name <> 'turn' order by all"
        ):
            if column not in without:
                columns.setdefault(table, []).append(quote(column))
        return {
            table: self.query(f"select {', '.join(names)} from raw.{quote(table)} order by all")
            for table, names in columns.items()
        }


def report_of(report: LoadReport, table: str) -> TableReport:
    """What a report says of one table (`source/table`)."""
    return next(entry for entry in report.tables if entry.table_name == table.replace("/", "__"))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A whole small source root in Parquet, not loaded yet."""
    source = Source(tmp_path)
    write_source_root(source.root)
    return source

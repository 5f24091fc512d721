"""Schema raw in Iceberg, where Spark reads it: what a load wrote into the warehouse file, a commit a table.

The warehouse file stays the place in which files are read, checked and merged. Usage is replaced by days, other tables
whole: they are small beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from ingestion.contract.model import load_contract
from ingestion.contract.raw_tables import SCHEMA
from settings import Settings
from warehouse.iceberg import open_catalog, read_table, tables, write_table
from warehouse.sql_text import quote

if TYPE_CHECKING:
    import pyarrow as pa

# What the load itself notes: for models the rows that were set aside and what the reports of each day are, and for the
# next load which files the copies are made of.
LEDGER = "loaded_files"
NOTES = ("rejected_rows", "usage_days", LEDGER)
DAY = "date"
# Rows in memory at a time: some hundred megabytes of usage.
BATCH_ROWS = 1_000_000


def tables_behind(connection: duckdb.DuckDBPyConnection, settings: Settings) -> set[str]:
    """Raw names of the tables with files that were loaded since they were copied, as loads with another target do.

    To be asked before a load marks its own files. Raises `IcebergError`.
    """
    columns = ["table_name", "file", "turn"]
    loaded = set(connection.sql(f"from {SCHEMA}.{LEDGER}").select(*columns).fetchall())
    copied = set()
    with open_catalog(settings) as catalog:
        if LEDGER in tables(catalog, SCHEMA):
            rows = read_table(catalog, SCHEMA, LEDGER).read_all().select(columns).to_pylist()
            copied = {tuple(row.values()) for row in rows}
    return {name for name, *_ in loaded ^ copied}


def copy_changes(
    connection: duckdb.DuckDBPyConnection,
    changed: Mapping[str, Sequence[date] | None],
    settings: Settings,
    *,
    everything: bool = False,
) -> None:
    """Copy the changed tables, by raw name, and any table that Iceberg lacks; with `everything`, all tables whole.

    Of tables stored by days those days are copied, or all where they are None. Raises `IcebergError` if the catalog
    does not answer: the load then counts as interrupted, and the next one repeats it.
    """
    with open_catalog(settings) as catalog:
        there = set(tables(catalog, SCHEMA))
        for table in load_contract().tables:
            name, is_by_days = table.raw_name, table.stored == "days"
            is_new = everything or name not in there
            if is_new or name in changed:
                days = changed[name] if is_by_days and not is_new else None
                schema, batches = _read(connection, name, DAY if is_by_days else None, days)
                write_table(catalog, SCHEMA, name, batches, schema, day=DAY if is_by_days else None, days=days)


def copy_notes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Copy what the load notes, which models read."""
    with open_catalog(settings) as catalog:
        for name in NOTES:
            schema, batches = _read(connection, name, None, None)
            write_table(catalog, SCHEMA, name, batches, schema)


def _read(
    connection: duckdb.DuckDBPyConnection, name: str, day: str | None, days: Sequence[date] | None
) -> tuple["pa.Schema", Iterator["pa.Table"]]:
    """The columns and rows of a raw table, in the order of its days, as the caller's transaction sees them."""
    import pyarrow as pa

    query = f"select * from {SCHEMA}.{quote(name)}"  # noqa: S608 (a quoted name)
    if days is not None:
        connection.execute(f"{query} where list_contains(?, {quote(DAY)}) order by {quote(DAY)}", [list(days)])
    else:
        connection.execute(f"{query} order by {quote(day)}" if day else query)
    reader = connection.to_arrow_reader(BATCH_ROWS)
    return reader.schema, (pa.Table.from_batches([batch]) for batch in reader)

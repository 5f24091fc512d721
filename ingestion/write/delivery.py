"""Write Parquet files of changes into schema raw with dlt.

dlt keeps no state between loads: after an interruption the ledger knows which files to read again.
"""

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ingestion.contract.model import Column, Table
from ingestion.contract.raw_tables import SCHEMA, raw_table
from warehouse import postgres
from warehouse.folder import clear
from warehouse.sql_text import literal, quote

if TYPE_CHECKING:
    from dlt.extract import DltResource

DATA_TYPES: dict[str, dict[str, Any]] = {
    "string": {"data_type": "text"},
    "int": {"data_type": "bigint"},
    "decimal": {"data_type": "decimal", "precision": 38, "scale": 10},
    "bool": {"data_type": "bool"},
    "date": {"data_type": "date"},
    "timestamp": {"data_type": "timestamp", "timezone": False, "precision": 6},
    "list": {"data_type": "json"},
    "object": {"data_type": "json"},
}


# One job at a time, no logging, no telemetry.
DLT_SETTINGS: dict[str, object] = {
    "runtime.dlthub_telemetry": False,
    "runtime.log_level": "CRITICAL",
    "load.workers": 1,
    "load.truncate_staging_dataset": True,
    "normalize.workers": 1,
}


@dataclass(frozen=True)
class Changes:
    """A Parquet file of rows to insert, replace or delete in a table."""

    path: Path
    rows: int
    columns: tuple[Column, ...]


def deliver(
    connection: duckdb.DuckDBPyConnection, dlt_dir: Path, deliveries: Sequence[tuple[Table, Sequence[Changes]]]
) -> None:
    """Write the changes into their tables: with dlt in one load package, on a server in one transaction."""
    if postgres.is_server(connection):
        _write_to_server(connection, deliveries)
        return
    import dlt

    for name, value in DLT_SETTINGS.items():
        dlt.config[name] = value
    clear(dlt_dir)
    pipeline = dlt.pipeline(  # type: ignore[call-overload]
        SCHEMA,
        pipelines_dir=str(dlt_dir),
        destination=dlt.destinations.duckdb(connection, naming_convention="sql_ci_v1"),
        dataset_name=SCHEMA,
        progress=None,
    )
    pipeline.config.restore_from_destination = False
    # dlt logs before it reads its settings; every failure is in the error anyway.
    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    resources = [_resource(table, changes) for table, changes in deliveries]
    pipeline.run(resources, loader_file_format="parquet").raise_on_failed_jobs()
    shutil.rmtree(dlt_dir)


def _write_to_server(
    connection: duckdb.DuckDBPyConnection, deliveries: Sequence[tuple[Table, Sequence[Changes]]]
) -> None:
    """What dlt does, without it: its destination takes PostgreSQL's CSV, in which an empty text is read as none."""
    connection.execute("begin")
    for table, changes in deliveries:
        there = {name for name, *_ in connection.execute(f"describe {raw_table(table)}").fetchall()}
        identity = ", ".join(quote(name) for name in table.identity)
        for change in changes:
            rows = f"read_parquet({literal(change.path)})"
            for column in change.columns:
                if column.name not in there:
                    added = f"{quote(column.name)} {column.sql_type}"
                    connection.execute(f"alter table {raw_table(table)} add column {added}")
                    there.add(column.name)
            if table.stored != "days":
                connection.execute(
                    f"delete from {raw_table(table)} where ({identity}) in (select ({identity}) from {rows})"  # noqa: S608
                )
                rows += " where _deleted is null"
            names = ", ".join(quote(column.name) for column in change.columns)
            connection.execute(f"insert into {raw_table(table)} ({names}) select {names} from {rows}")  # noqa: S608
    connection.execute("commit")


def _resource(table: Table, changes: Sequence[Changes]) -> "DltResource":
    """A dlt resource that imports files of changes as they are.

    Rows replace those with the same identity; days of usage are appended, since the old rows are deleted first.
    """
    import dlt

    def read() -> Iterator[Any]:
        for change in changes:
            yield dlt.mark.with_file_import(str(change.path), "parquet", change.rows)

    merge = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}
    columns = {column.name: column for change in changes for column in change.columns}
    return dlt.resource(  # type: ignore[call-overload]
        read,
        name=table.raw_name,
        columns={name: _hints(table, column) for name, column in columns.items()},
        write_disposition="append" if table.stored == "days" else merge,
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
    )


def _hints(table: Table, column: Column) -> dict[str, Any]:
    # The tables reject nulls; DuckDB's Parquet files allow them, and dlt would rewrite those if told otherwise.
    hints = {**DATA_TYPES[column.type], "nullable": True}
    if table.stored != "days":
        hints["primary_key"] = column.name in table.identity
    if column.name == "_deleted":
        hints["hard_delete"] = True
    return hints

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


# One job at a time, no logging, no telemetry. No second try of a job: it may have been committed before its connection
# was lost, and its rows would be there twice. The next load reads the files again.
DLT_SETTINGS: dict[str, object] = {
    "runtime.dlthub_telemetry": False,
    "runtime.log_level": "CRITICAL",
    "load.workers": 1,
    "load.raise_on_max_retries": 1,
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
    """Write the changes into their tables, with dlt in one load package."""
    import dlt

    for name, value in DLT_SETTINGS.items():
        dlt.config[name] = value
    clear(dlt_dir)
    pipeline = dlt.pipeline(  # type: ignore[call-overload]
        SCHEMA,
        pipelines_dir=str(dlt_dir),
        destination=_destination(connection),
        dataset_name=SCHEMA,
        progress=None,
    )
    pipeline.config.restore_from_destination = False
    # dlt logs before it reads its settings; every failure is in the error anyway.
    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    resources = [_resource(connection, table, changes) for table, changes in deliveries]
    pipeline.run(resources, loader_file_format="parquet").raise_on_failed_jobs()
    if postgres.is_server(connection):
        # DuckDB remembers the columns from before.
        connection.execute("call pg_clear_cache()")
    shutil.rmtree(dlt_dir)


def _destination(connection: duckdb.DuckDBPyConnection) -> Any:
    """The warehouse as a destination of dlt."""
    import dlt

    if not postgres.is_server(connection):
        return dlt.destinations.duckdb(connection, naming_convention="sql_ci_v1")
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials

    parts = postgres.address()

    class Credentials(PostgresCredentials):
        """The warehouse's address. dlt's own credentials need a password, and cannot name a socket."""

        def to_native_representation(self) -> str:
            return postgres.conninfo(parts)

    named = {"host": parts["host"], "database": parts["dbname"], "query": {"options": postgres.SESSION}}
    credentials = Credentials(named)
    credentials.resolve()
    return dlt.destinations.postgres(credentials, naming_convention="sql_ci_v1")


def _resource(connection: duckdb.DuckDBPyConnection, table: Table, changes: Sequence[Changes]) -> "DltResource":
    """A dlt resource that imports files of changes as they are.

    Rows replace those with the same identity, and reports those of their days. The first reports are appended, since an
    empty table has nothing to replace.
    """
    import dlt

    def read() -> Iterator[Any]:
        for change in changes:
            yield dlt.mark.with_file_import(str(change.path), "parquet", change.rows)

    merge = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}
    is_first = not connection.execute(f"select 1 from {raw_table(table)} limit 1").fetchone()  # noqa: S608
    columns = {column.name: column for change in changes for column in change.columns}
    return dlt.resource(  # type: ignore[call-overload]
        read,
        name=table.raw_name,
        columns={name: _hints(table, column) for name, column in columns.items()},
        write_disposition="append" if table.stored == "days" and is_first else merge,
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
    )


def _hints(table: Table, column: Column) -> dict[str, Any]:
    # The tables reject nulls; DuckDB's Parquet files allow them, and dlt would rewrite those if told otherwise.
    hints = {**DATA_TYPES[column.type], "nullable": True}
    if table.stored == "days":
        hints["merge_key"] = column.name == "date"
    else:
        hints["primary_key"] = column.name in table.identity
    if column.name == "_deleted":
        hints["hard_delete"] = True
    return hints

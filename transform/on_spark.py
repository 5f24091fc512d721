"""A dbt build on Spark, and its results in the warehouse file, where gates' results and publishing look for them.

Spark builds the tables in Iceberg. What the rest of the pipeline reads of them is copied into the warehouse file
without Spark: the marts, the seeds, and a few tables that say what was built. A table whose snapshot was copied before
is left as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from settings import Settings
from warehouse.connection import connect, next_turn
from warehouse.iceberg import open_catalog, read_table, tables, write_table
from warehouse.spark import address, answers, execute, explain, open_spark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog

    # Both take a schema and a table: one gives the rows, the other replaces them.
    Read = Callable[[str, str], pa.RecordBatchReader]
    Write = Callable[[str, str, pa.Table], None]

WHOLE_SCHEMAS = ("marts", "seeds")
ALSO_READ = (
    ("intermediate", "int_data_day"),
    ("intermediate", "int_days_to_build"),
    ("intermediate", "int_history_days"),
    ("intermediate", "int_source_freshness"),
    ("quality", "built_inputs"),
)
CREATE = """
create schema if not exists quality;
create table if not exists quality.builds (built_at timestamp, turn bigint);
create table if not exists quality.copied (schema_name varchar, table_name varchar, snapshot varchar)
"""


def dbt_variables(settings: Settings) -> dict[str, str]:
    """What the profile of dbt reads for target `spark`."""
    place = address(settings)
    return {
        "GROWTH_SPARK_HOST": place.host,
        "GROWTH_SPARK_PORT": str(place.port),
        "GROWTH_SPARK_USER": place.user,
    }


@contextmanager
def building(settings: Settings) -> Iterator[None]:
    """dbt builds on Spark while the block runs; afterwards the build is noted, and copied if it came to its end.

    Raises `SparkError` or `IcebergError` if the server or the catalog does not answer.
    """
    with open_catalog(settings) as catalog, open_spark(settings):
        pass
    try:
        with _python_models_here(
            lambda schema, table: _read(settings, catalog, schema, table),
            lambda schema, table, rows: write_table(catalog, schema, table, [rows], rows.schema),
        ):
            yield
    finally:
        with connect(settings.warehouse_path) as connection:
            connection.execute(CREATE)
            connection.execute(
                "insert into quality.builds values (now() at time zone 'UTC', ?)", [next_turn(connection)]
            )
    with open_catalog(settings) as catalog:
        copy_tables(settings, catalog)


@contextmanager
def one_session_a_thread() -> Iterator[None]:
    """Keep dbt's sessions open while the block runs: by itself dbt-spark opens one for each model and test.

    A session has its own connections to the catalog; those of two hundred models were more than PostgreSQL gives.
    """
    from dbt.adapters.spark.connections import SparkConnectionManager

    manager: Any = SparkConnectionManager
    before = manager.release
    manager.release = lambda self: None
    try:
        yield
    finally:
        manager.release = before


@contextmanager
def _python_models_here(read: "Read", write: "Write") -> Iterator[None]:
    """Run dbt's Python models in this process, on a DuckDB in memory: Spark's Thrift server runs none.

    A model gets what it refers to as DuckDB's relations, as it does on DuckDB, and returns an Arrow table.
    """
    from dbt.adapters.spark.impl import SparkAdapter

    adapter: Any = SparkAdapter
    before = adapter.python_submission_helpers

    class Job:
        """What dbt asks to run a model: it is made with the parsed model, and given the code."""

        def __init__(self, parsed_model: dict[str, Any], credentials: Any) -> None:
            self._model = parsed_model

        def submit(self, compiled_code: str) -> None:
            write(self._model["schema"], self._model["alias"], _run(compiled_code, read))

    adapter.python_submission_helpers = property(lambda self: dict.fromkeys(before.fget(self), Job))
    try:
        yield
    finally:
        adapter.python_submission_helpers = before


def _run(compiled_code: str, read: "Read") -> "pa.Table":
    """The table that a compiled model returns: dbt has added class `dbtObj`, which takes what loads a relation."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")

        def load(relation: str) -> duckdb.DuckDBPyRelation:
            schema, table = (part.strip('`"') for part in relation.split(".")[-2:])
            connection.register("read", read(schema, table))
            connection.execute(f'create or replace table "{table}" as from read')
            connection.unregister("read")
            return connection.table(f'"{table}"')

        names: dict[str, Any] = {}
        # Behind this line the adapter's macro writes the table with Spark; it also indents the first line.
        code = compiled_code.partition("# --- Autogenerated dbt materialization code")[0].lstrip()
        exec(code, names)  # noqa: S102 (a model of this project)
        return names["model"](names["dbtObj"](load), None)


def sentence(settings: Settings, message: str) -> str:
    """dbt's message about a build that failed on Spark, in a sentence."""
    return message if answers(settings) else explain(settings, "Could not connect")


def copy_tables(settings: Settings, catalog: "SqlCatalog") -> list[str]:
    """Copy what has changed in Iceberg into the warehouse file, in one transaction; returns the names."""
    wanted = [(schema, table) for schema in WHOLE_SCHEMAS for table in tables(catalog, schema)]
    wanted += [each for each in ALSO_READ if catalog.table_exists(each)]
    copied = []
    with connect(settings.warehouse_path) as connection:
        connection.execute(CREATE)
        rows = connection.execute("select schema_name, table_name, snapshot from quality.copied").fetchall()
        before = {(schema, table): snapshot for schema, table, snapshot in rows}
        connection.execute("begin")
        for schema in WHOLE_SCHEMAS:
            _drop_others(connection, schema, {table for of, table in wanted if of == schema})
        for schema, table in wanted:
            snapshot = _state(catalog, schema, table)
            if before.get((schema, table)) != snapshot:
                _copy(connection, catalog, schema, table)
                copied.append(f"{schema}.{table}")
        connection.execute("delete from quality.copied")
        connection.executemany(
            "insert into quality.copied values (?, ?, ?)",
            [(schema, table, _state(catalog, schema, table)) for schema, table in wanted],
        )
        connection.execute("commit")
    return copied


def _state(catalog: "SqlCatalog", schema: str, table: str) -> str:
    """Changes with every commit to the table, and when it is made again."""
    return catalog.load_table((schema, table)).metadata_location


def _copy(connection: duckdb.DuckDBPyConnection, catalog: "SqlCatalog", schema: str, table: str) -> None:
    reader = read_table(catalog, schema, table)
    columns = ", ".join(
        f'cast("{field.name}" as timestamp) as "{field.name}"'
        if str(field.type).startswith("timestamp")
        else f'"{field.name}"'
        for field in reader.schema
    )
    connection.register("read", reader)
    connection.execute(f'create schema if not exists "{schema}"')
    connection.execute(f'create or replace table "{schema}"."{table}" as select {columns} from read')  # noqa: S608
    connection.unregister("read")


def _drop_others(connection: duckdb.DuckDBPyConnection, schema: str, kept: set[str]) -> None:
    there = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and schema_name = ?", [schema]
    ).fetchall()
    for (table,) in there:
        if table not in kept:
            connection.execute(f'drop table "{schema}"."{table}"')


def _read(settings: Settings, catalog: "SqlCatalog", schema: str, table: str) -> "pa.RecordBatchReader":
    """The rows of a table, or of a view, which Spark writes into a table first."""
    if catalog.table_exists((schema, table)):
        return read_table(catalog, schema, table)
    written = f"quality.read_{table}"
    with open_spark(settings) as connection:
        # Names of the project's models.
        execute(connection, f"create or replace table {written} using iceberg as select * from {schema}.{table}")  # noqa: S608
        rows = read_table(catalog, *written.split(".")).read_all()
        execute(connection, f"drop table {written} purge")
    return rows.to_reader()

"""The tables of schema raw in SQL: definitions from the contract."""

from collections.abc import Sequence

import duckdb

from ingestion.contract.model import Column, Table, load_contract
from warehouse.postgres import is_server
from warehouse.sql_text import literal, quote

SCHEMA = "raw"
LEDGER = """
create table if not exists raw.loaded_files (
    source_root varchar not null, table_name varchar not null, file varchar not null, fingerprint varchar,
    rows_read bigint, rows_set_aside bigint, loaded_at timestamp, turn bigint, primary key (table_name, file)
);
alter table raw.loaded_files add column if not exists turn bigint;
create table if not exists raw.rejected_rows (
    table_name varchar not null, file varchar not null, position bigint not null, column_name varchar,
    reason varchar not null, rule varchar not null, original_text varchar
);
create table if not exists raw.usage_days (
    date date primary key, reports bigint not null, fingerprint varchar not null, turn bigint not null
);
"""


def create_missing_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the missing tables of schema raw and of the load's bookkeeping."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    _rename_file_columns(connection)
    for table in load_contract().tables:
        connection.execute(_create_table(table))
    connection.execute(LEDGER)


def _rename_file_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """`_file` was what `_path` is, until that had to be a name which Iceberg does not keep for itself."""
    for table, column in _column_types(connection):
        if column == "_file":
            connection.execute(f"alter table {SCHEMA}.{quote(table)} rename column _file to _path")


def add_missing_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Add columns that the contract gained since the warehouse was created.

    A column loaded as an extra (text) before is dropped first. Returns the raw names of those tables: all their files
    must be read again.
    """
    read_again = []
    types, on_server = _column_types(connection), is_server(connection)
    for table in load_contract().tables:
        for column in table.columns:
            before = types.get((table.raw_name, column.name))
            # A server's JSON is text for DuckDB.
            if before == column.sql_type or (before == "varchar" and column.sql_type == "json" and on_server):
                continue
            if before is not None:
                connection.execute(f"alter table {raw_table(table)} drop column {quote(column.name)}")
                read_again.append(table.raw_name)
            connection.execute(f"alter table {raw_table(table)} add column {quote(column.name)} {column.sql_type}")
    return read_again


def _column_types(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "select table_name, column_name, lower(data_type) from duckdb_columns() where schema_name = 'raw' "
        "and database_name = current_database()"
    ).fetchall()
    return {(table, column): data_type for table, column, data_type in rows}


def extra_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns beyond the contract, by raw table name."""
    rows = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'raw' "
        "and database_name = current_database() order by table_name, column_index"
    ).fetchall()
    extras = {}
    for table in load_contract().tables:
        known = {column.name for column in (*table.columns, *table.technical_columns)}
        extras[table.raw_name] = [column for name, column in rows if name == table.raw_name and column not in known]
    return extras


def raw_table(table: Table) -> str:
    return f"{SCHEMA}.{quote(table.raw_name)}"


def _create_table(table: Table) -> str:
    columns = ", ".join(
        f"{quote(column.name)} {column.sql_type}{'' if column.nullable else ' not null'}"
        for column in (*table.columns, *table.technical_columns)
    )
    return f"create table if not exists {raw_table(table)} ({columns})"


def row_hash(table: Table, columns: Sequence[Column]) -> str:
    """SQL for a row's hash. Extra columns count only where they have a value."""
    if table.stored == "objects":
        return "md5(payload::varchar)"
    known = [f"{quote(column.name)}::varchar" for column in table.columns]
    extras = [quote(column.name) for column in columns if column.name not in table.column_names]
    named = [f"case when {name} is not null then {literal(name)} || '=' || {name} end" for name in extras]
    filled = f", list_filter([{', '.join(named)}], lambda value: value is not null)" if named else ", []"
    return f"md5(json_array({', '.join(known)}{filled})::varchar)"

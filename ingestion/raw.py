"""The tables of schema raw: their definitions in SQL, from the contract."""

import duckdb

from ingestion.contract import Column, Table, load_contract

SCHEMA = "raw"


def create_missing_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schema raw and every table of the contract that is not there yet, empty."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for table in load_contract().tables:
        connection.execute(_create_table(table))


def quote(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _create_table(table: Table) -> str:
    columns = ", ".join(_define(column) for column in (*table.columns, *table.technical_columns))
    return f"create table if not exists {SCHEMA}.{quote(table.raw_name)} ({columns})"


def _define(column: Column) -> str:
    return f"{quote(column.name)} {column.sql_type}{'' if column.nullable else ' not null'}"

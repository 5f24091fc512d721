"""`python -m benchmarks.same_marts before.duckdb after.duckdb`: compare the marts of two published files.

For a change that must not move a figure. Compares the rows of every table of schema `marts`, duplicates included.
Prints the tables that differ and exits with 1 if there are any.
"""

import sys
from pathlib import Path

import duckdb

from warehouse.sql_text import literal, quote

# Differs in every run.
NOT_COMPARED = {"publish_info"}


def differences(before: Path, after: Path) -> dict[str, str]:
    """The difference by table: in its columns, or the numbers of rows that only one file has."""
    with duckdb.connect() as connection:
        for name, path in (("before", before), ("after", after)):
            connection.execute(f"attach {literal(path)} as {name} (read_only)")
        old, new = _columns(connection, "before"), _columns(connection, "after")
        found = {
            table: "other columns or types" for table in old.keys() | new.keys() if old.get(table) != new.get(table)
        }
        for table in sorted(old.keys() - found.keys()):
            lost, gained = (
                _rows_only_in(connection, table, *files) for files in (("before", "after"), ("after", "before"))
            )
            if lost or gained:
                found[table] = f"{lost} rows only before, {gained} rows only after"
    return found


def _columns(connection: duckdb.DuckDBPyConnection, file: str) -> dict[str, list[tuple[str, str]]]:
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [file],
    ).fetchall():
        if table not in NOT_COMPARED:
            columns.setdefault(table, []).append((column, kind))
    return columns


def _rows_only_in(connection: duckdb.DuckDBPyConnection, table: str, file: str, other: str) -> int:
    query = f"select count(*) from (from {file}.marts.{quote(table)} except all from {other}.marts.{quote(table)})"
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


if __name__ == "__main__":
    found = differences(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(f"{table}: {difference}" for table, difference in sorted(found.items())) or "all marts are equal")
    sys.exit(bool(found))

"""The published file as the page reads it: one connection, so that every figure is of one publish."""

from collections.abc import Sequence
from typing import Any

import duckdb

DATA_DAY = "(select as_of_date from publish_info)"
# Of a table that has no row for a quiet month, the newest month is not the last one.
LAST_CLOSED_MONTH = "(select cast(date_trunc('month', as_of_date + 1) - interval 1 month as date) from publish_info)"


class Published:
    """Questions to one snapshot of schema `marts`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.tables = {
            name for (name,) in self.rows("select table_name from duckdb_tables() where schema_name = 'marts'")
        }

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, as Python's own values."""
        return self._connection.execute(sql).fetchall()

    def row(self, sql: str) -> tuple[Any, ...]:
        """The one row of a query that aggregates."""
        (row,) = self.rows(sql)
        return row

    def records(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows for a chart: names with values that JSON has."""
        cursor = self._connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else float(value)

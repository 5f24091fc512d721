"""Queries on the published file over one connection, so that every figure is of one publish."""

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from serving.page.blocks import percent
from warehouse.sql_text import literal

DATA_DAY = "(select as_of_date from publish_info)"
# Not the newest month of a table, which may have no rows for a quiet month.
LAST_CLOSED_MONTH = "(select last_closed_month from publish_info)"


class Snapshot:
    """One snapshot of schema `marts`, and beside it the last publish of an earlier data day as schema `earlier.marts`.

    `earlier` is the path of that publish's file; `None` if none is kept.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, earlier: Path | None = None) -> None:
        self._connection = connection
        self.has_earlier = earlier is not None
        if earlier:
            connection.execute(f"attach {literal(earlier)} as earlier (read_only)")
        self.tables = {
            name
            for (name,) in self.rows(
                "select table_name from duckdb_tables() "
                "where schema_name = 'marts' and database_name = current_database()"
            )
        }

    def lacks(self, source_table: str) -> bool:
        """Whether a source table, such as `crm.accounts`, has no rows, so that figures based on it are unknown."""
        (empty,) = self.row("select empty_source_tables from publish_info")
        return source_table in (empty or "").split(", ")

    def last_closed_month(self) -> date:
        """First day of the newest month whose figures are complete."""
        (month,) = self.row(f"select {LAST_CLOSED_MONTH}")
        return month

    def months_not_invoiced(self) -> list[str]:
        """A sentence for each closed month of whose expected MRR too much has no invoice yet, oldest first."""
        if "rpt_data_quality" not in self.tables:
            return []
        found = self.rows(
            "select cast(subject as date), figure from rpt_data_quality "
            "where finding = 'closed_month_not_invoiced' order by subject"
        )
        return [
            f"{percent(share)} of the MRR expected of {month:%B %Y} has no invoice yet: its figures are too low."
            for month, share in found
        ]

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def column_names(self, sql: str) -> list[str]:
        """Names of a query's columns, without running it."""
        return self._connection.sql(sql).columns

    def row(self, sql: str) -> tuple[Any, ...]:
        """The single row of an aggregate query."""
        (row,) = self.rows(sql)
        return row

    def records(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows for a chart, as dicts of JSON values."""
        cursor = self._connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else float(value)

"""The gates on Spark: the same suites, of which those that read what only Spark has run over one session of its server.

Great Expectations takes Spark for PostgreSQL, as it takes DuckDB: names are quoted alike, and the few operators that
differ are written here. What a session shows as a temporary view hides the table of the same name, so that checks of
some days find their rows by the table's own name.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect

from expectations.dialect import NamedType, ReadsOnly
from expectations.gate import Gate, check_suite, check_suites
from expectations.results import Result
from expectations.suites import Suite
from settings import Settings
from warehouse.spark import execute, open_spark
from warehouse.sql_text import quote

DIALECT = "growth_spark"
NOT_COPIED = re.compile(r"\b(staging|intermediate)\.(?!int_data_day\b)")


class SparkCompiler(PGCompiler):
    """PostgreSQL's SQL, with Spark's word for its match operators."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        if operator.opstring not in ("~", "!~"):
            return super().visit_custom_op_binary(element, operator, **kw)
        left, right = (self.process(side, **kw) for side in (element.left, element.right))
        return f"{'not ' if operator.opstring == '!~' else ''}({left} rlike {right})"


class SparkDialect(ReadsOnly, PGDialect):
    """A dialect that only reads, over PyHive."""

    name = "postgresql"
    driver = "pyhive"
    statement_compiler = SparkCompiler
    supports_statement_cache = False
    default_paramstyle = "pyformat"

    @classmethod
    def import_dbapi(cls) -> Any:
        from pyhive import hive

        return hive

    def initialize(self, connection: Any) -> None:
        pass

    def has_table(self, *args: Any, **kw: Any) -> bool:
        return True

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        table = self.identifier_preparer.format_table(sa.table(table_name, schema=schema))
        described = connection.execute(sa.text(f"describe {table}")).fetchall()
        names = [(name, kind) for name, kind, *_ in described if name and not name.startswith("#")]
        # A partition column is described twice.
        return [
            {"name": name, "type": NamedType(kind), "nullable": True, "default": None}
            for name, kind in dict(names).items()
        ]


registry.register(DIALECT, __name__, SparkDialect.__name__)


class SparkGate(Gate):
    """Great Expectations over one session of Spark."""

    order = "1"

    def __init__(self, session: Any, as_of: date | None) -> None:
        self._session = session
        self.as_of = as_of
        self._days = None

    def _query(self, query: str) -> list[dict[str, Any]]:
        cursor = self._session.cursor()
        cursor.execute(query)
        names = [column[0].split(".")[-1] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _table(self, suite: Suite) -> str:
        return quote(suite.table) if self._days else quote(suite.layer, suite.table)

    def _show_days(self, suite: Suite) -> None:
        assert suite.day is not None
        first, last, day = self._dates["{first_day}"], self._dates["{last_day}"], quote(suite.day)
        rows = f"select * from {quote(suite.layer, suite.table)} where {day} >= {first} and {day} <= {last}"  # noqa: S608
        execute(self._session, f"create or replace temporary view {quote(suite.table)} as {rows}")

    def _engine(self, suite: Suite) -> tuple[str, dict[str, Any]]:
        execute(self._session, f"use {quote(suite.layer)}")
        return f"{DIALECT}://", {"poolclass": sa.pool.StaticPool, "creator": lambda: self._session}


def check_suites_on_spark(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    suites: Sequence[Suite],
    as_of: date | None,
    days: tuple[date, date] | None,
) -> list[Result]:
    """Check suites: in the warehouse file if it has all that they read, else on Spark.

    The file's marts are the copies that are published. Raises `SparkError` if Spark's server does not answer.
    """
    results = check_suites(connection, [suite for suite in suites if not _needs_spark(suite)], as_of, days)
    on_spark = [suite for suite in suites if _needs_spark(suite)]
    if on_spark:
        with open_spark(settings) as session:
            gate = SparkGate(session, as_of)
            for suite in on_spark:
                results += check_suite(gate, suite, days, only_changed=False)
    return results


def _needs_spark(suite: Suite) -> bool:
    """Whether a suite reads a table that is not copied into the warehouse file (`transform/on_spark.py`)."""
    return suite.layer == "staging" or bool(NOT_COPIED.search(suite.model_dump_json()))

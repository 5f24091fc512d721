"""DuckDB for Great Expectations, which knows the databases that it works on by the name of their dialect.

The dialect calls itself PostgreSQL, whose SQL DuckDB speaks, and differs from duckdb-engine's in four measured ways:
- The whole result is read while the connection is open. Great Expectations reads its cursor after it has let the
  connection go, and duckdb-engine's cursor is the connection: nearly every check reported that it could not run.
- PostgreSQL's `~` searches for a pattern; DuckDB's matches the whole text. It is compiled to `regexp_matches`.
- A table's columns are asked of DuckDB in one statement. duckdb-engine reads them from the emulated catalog of
  PostgreSQL in three, which took 0.1 s a table.
- Nothing is begun, committed or rolled back: the checks only read.
"""

from typing import Any

import duckdb
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.types import UserDefinedType

DIALECT = "growth_duckdb"


class BufferedContext(PGExecutionContext_psycopg2):
    """Reads every row of a result as soon as the statement has run."""

    def post_exec(self) -> None:
        if self.cursor.description is not None:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall()
            )


class RegexCompiler(PGCompiler):
    """Compiles PostgreSQL's operators for patterns to DuckDB's function."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        if operator.opstring not in ("~", "!~"):
            return super().visit_custom_op_binary(element, operator, **kw)
        text, pattern = (self.process(side, **kw) for side in (element.left, element.right))
        return f"{'not ' if operator.opstring == '!~' else ''}regexp_matches({text}, {pattern})"


class NamedType(UserDefinedType):
    """A column's type, known by the name that DuckDB gives it."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **kw: Any) -> str:
        return self.name


class WarehouseDialect(Dialect):
    """duckdb-engine's dialect as Great Expectations can use it, also on a read-only connection."""

    name = "postgresql"
    execution_ctx_cls = BufferedContext
    statement_compiler = RegexCompiler
    supports_statement_cache = False

    def do_begin(self, connection: Any) -> None:
        pass

    def do_commit(self, connection: Any) -> None:
        pass

    def do_rollback(self, connection: Any) -> None:
        pass

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        table = self.identifier_preparer.format_table(sa.table(table_name, schema=schema))
        described = connection.execute(sa.text(f"describe {table}")).fetchall()
        return [
            {"name": name, "type": NamedType(type_name), "nullable": nullable == "YES", "default": None}
            for name, type_name, nullable, *_ in described
        ]

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        return {"constrained_columns": [], "name": None}


registry.register(DIALECT, __name__, WarehouseDialect.__name__)


def create_engine(connection: duckdb.DuckDBPyConnection) -> sa.Engine:
    """An SQLAlchemy engine whose every connection is a cursor of `connection`, which the caller opens and closes.

    No pool: a cursor is let go as soon as its statement is done.
    """
    return sa.create_engine(
        f"{DIALECT}://", poolclass=sa.pool.NullPool, creator=lambda: ConnectionWrapper(connection.cursor())
    )

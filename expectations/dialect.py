"""DuckDB for Great Expectations, which knows the databases that it works on by the name of their dialect.

The dialect calls itself PostgreSQL, whose SQL DuckDB speaks, and differs from duckdb-engine's in three ways:
- A connection stays readable after it is given back. Great Expectations reads its cursor after it has given the
  connection back, and duckdb-engine's cursor is the connection: nearly every check reported that it could not run.
- A table's columns are read from DuckDB in one statement. duckdb-engine reads them from the emulated catalog of
  PostgreSQL in three, which took 0.1 s a table.
- Nothing is begun, committed or rolled back: the checks only read.
"""

from typing import Any

import duckdb
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.types import UserDefinedType

DIALECT = "growth_duckdb"


class NamedType(UserDefinedType):
    """A column's type, known by the name that DuckDB gives it."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **kw: Any) -> str:
        return self.name


class ReadsOnly:
    """What a dialect leaves out that only reads, on a connection that is the gate's: each suite has an engine on it."""

    def do_begin(self, connection: Any) -> None:
        pass

    def do_commit(self, connection: Any) -> None:
        pass

    def do_rollback(self, connection: Any) -> None:
        pass

    def do_close(self, connection: Any) -> None:
        pass

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        return {"constrained_columns": [], "name": None}


class WarehouseDialect(ReadsOnly, Dialect):
    """duckdb-engine's dialect as Great Expectations can use it, also on a read-only connection."""

    name = "postgresql"
    supports_statement_cache = False

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        table = self.identifier_preparer.format_table(sa.table(table_name, schema=schema))
        described = connection.execute(sa.text(f"describe {table}")).fetchall()
        return [
            {"name": name, "type": NamedType(type_name), "nullable": nullable == "YES", "default": None}
            for name, type_name, nullable, *_ in described
        ]


registry.register(DIALECT, __name__, WarehouseDialect.__name__)


def engine_settings(connection: duckdb.DuckDBPyConnection, search_path: str) -> dict[str, Any]:
    """What SQLAlchemy needs to make an engine of the dialect, whose every connection is a cursor of `connection`.

    The caller opens and closes `connection`. Tables without a schema are looked for on `search_path`. No pool: a
    cursor is let go with its result.
    """

    def cursor() -> ConnectionWrapper:
        made = connection.cursor()
        made.execute("set search_path = ?", [search_path])
        return ConnectionWrapper(made)

    return {"poolclass": sa.pool.NullPool, "creator": cursor}

"""Copy the published file to schema `marts` of a PostgreSQL database.

The copy is built beside the old schema and renamed in one transaction: readers see all old or all new tables.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import duckdb

from serving.reader import snapshot
from settings import Settings, UserError
from warehouse.sql_text import quote

if TYPE_CHECKING:
    import psycopg

SCHEMA = "marts"
BUILDING = "marts_building"
REPLACED = "marts_replaced"
# Arbitrary, but no other program on the server may use the same advisory lock.
ADVISORY_LOCK_ID = 7_316_204_419
ROWS_AT_A_TIME = 100_000
CONNECT_SECONDS = 10
# Below PostgreSQL's deadlock timeout of one second, so that a reader is never the one cancelled.
LOCK_MILLISECONDS = 300
PAUSE_SECONDS = 1.0
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "HUGEINT": "numeric(39, 0)",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "TINYINT": "smallint",
    "VARCHAR": "text",
}
# Readers' views, in other schemas, that read our tables. They must follow the tables that replace them.
VIEWS = """
select distinct views.oid::regclass::text, pg_get_viewdef(views.oid)
from pg_depend
inner join pg_rewrite on pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
inner join pg_class as views on pg_rewrite.ev_class = views.oid
inner join pg_class as tables on pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = tables.oid
where tables.relnamespace = to_regnamespace(%s) and views.relkind = 'v' and views.oid <> tables.oid
order by 1
"""
TABLES = "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r' order by 1"


class PostgresError(UserError):
    """The copy failed; readers in PostgreSQL still have the previous one."""


@dataclass(frozen=True)
class Copied:
    run_id: str
    rows_by_table: dict[str, int]
    # Whether the database already had this publish.
    is_unchanged: bool


def publish_to_postgres(settings: Settings, *, wait_seconds: float = 600) -> Copied:
    """Copy the published file to the database of `GROWTH_POSTGRES_URL`, unless it is there.

    Waits up to `wait_seconds` for open transactions of readers. Raises `PostgresError`; readers then still have the
    previous copy.
    """
    if settings.postgres_url is None:
        raise PostgresError("GROWTH_POSTGRES_URL is not set: set it to the address of the PostgreSQL database")
    with (
        snapshot(settings.serving_path) as published,
        _connect(settings.postgres_url.get_secret_value()) as connection,
    ):
        run_id, published_at = published.execute("select run_id, published_at from publish_info").fetchall()[0]
        columns = _columns(published)
        if _is_there(connection, run_id, published_at):
            return Copied(run_id, {}, is_unchanged=True)
        try:
            rows = _build(connection, published, columns)
            _swap(connection, wait_seconds)
        finally:
            if not connection.broken:
                connection.execute(f"drop schema if exists {BUILDING} cascade")
    return Copied(run_id, rows, is_unchanged=False)


@contextmanager
def _connect(url: str) -> "Iterator[psycopg.Connection[Any]]":
    """Connect and take the advisory lock; errors of the server become `PostgresError`."""
    try:
        import psycopg
    except ImportError as error:
        raise PostgresError("psycopg is not installed: `make setup` installs it") from error
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # PostgreSQL's message repeats the address, with its password.
        raise PostgresError("GROWTH_POSTGRES_URL is not of the form postgresql://user@host/database") from None
    try:
        with psycopg.connect(
            url, autocommit=True, application_name="growth-pipeline", connect_timeout=CONNECT_SECONDS
        ) as connection:
            # With an empty search path PostgreSQL writes view definitions with qualified names.
            connection.execute("set search_path = ''; set client_encoding = 'utf8'; set timezone = 'UTC'")
            if connection.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK_ID]).fetchone() != (True,):
                raise PostgresError("another process is copying to this database: wait for it to end and run again")
            yield connection
    except psycopg.Error as error:
        raise PostgresError(f"PostgreSQL: {str(error).strip()}") from error


def _columns(published: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str, str | None]]]:
    """Name, PostgreSQL type and description of each column, by table."""
    columns: dict[str, list[tuple[str, str, str | None]]] = {}
    for table, column, kind, comment in published.execute(
        """
        select table_name, column_name, data_type, comment
        from duckdb_columns() where schema_name = 'marts' order by table_name, column_index
        """
    ).fetchall():
        in_postgres = kind.replace("DECIMAL", "numeric") if kind.startswith("DECIMAL") else TYPES.get(kind)
        if in_postgres is None:
            raise PostgresError(f"{table}.{column} has type {kind}, which has no PostgreSQL equivalent in TYPES")
        columns.setdefault(table, []).append((column, in_postgres, comment))
    return columns


def _is_there(connection: "psycopg.Connection[Any]", run_id: str, published_at: object) -> bool:
    """Whether this publish has been copied already. Raises `PostgresError` if the schema is not ours."""
    tables = [table for (table,) in connection.execute(TABLES, [SCHEMA]).fetchall()]
    if not tables:
        return False
    if "publish_info" not in tables:
        raise PostgresError(f"schema {SCHEMA} of this database holds other tables: use a separate database")
    there = connection.execute("select run_id, published_at from marts.publish_info").fetchall()
    return there == [(run_id, published_at)]


def _build(
    connection: "psycopg.Connection[Any]",
    published: duckdb.DuckDBPyConnection,
    columns: dict[str, list[tuple[str, str, str | None]]],
) -> dict[str, int]:
    """Copy every table with its descriptions into the building schema; returns row counts by table."""
    from psycopg import sql

    rows = {}
    with connection.transaction():
        connection.execute(f"drop schema if exists {BUILDING} cascade; create schema {BUILDING}")
        for table, of_table in columns.items():
            name = sql.Identifier(BUILDING, table)
            declared = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind, _ in of_table
            )
            connection.execute(sql.SQL("create table {} ({})").format(name, declared))
            texts = [column for column, kind, _ in of_table if kind == "text"]
            rows[table] = _copy(connection, published, table, texts, name)
            for column, _, comment in of_table:
                statement = sql.SQL("comment on column {} is {}")
                connection.execute(statement.format(sql.Identifier(BUILDING, table, column), sql.Literal(comment)))
            # Without statistics a reader's first query would be planned badly.
            connection.execute(sql.SQL("analyze {}").format(name))
        for table, comment in published.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'marts'"
        ).fetchall():
            statement = sql.SQL("comment on table {} is {}")
            connection.execute(statement.format(sql.Identifier(BUILDING, table), sql.Literal(comment)))
    return rows


def _copy(
    connection: "psycopg.Connection[Any]",
    published: duckdb.DuckDBPyConnection,
    table: str,
    texts: Sequence[str],
    name: Any,
) -> int:
    """Copy a table's rows as CSV, with text quoted and nulls unquoted.

    PostgreSQL text cannot contain NUL characters: each becomes U+FFFD.
    """
    from psycopg import sql
    from pyarrow import csv

    written = csv.WriteOptions(include_header=False)
    rows = 0
    replaced = [f"replace({quote(column)}, chr(0), '\ufffd') as {quote(column)}" for column in texts]
    kept = f"select * replace ({', '.join(replaced)}) from" if replaced else "from"
    batches = published.execute(f"{kept} {quote(table)}").to_arrow_reader(ROWS_AT_A_TIME)
    # Frozen rows are visible to every transaction that sees the table, even one that began before the copy.
    with connection.cursor().copy(sql.SQL("copy {} from stdin (format csv, freeze)").format(name)) as copy:
        for batch in batches:
            text = BytesIO()
            csv.write_csv(batch, text, written)
            copy.write(text.getvalue())
            rows += batch.num_rows
    return rows


def _swap(connection: "psycopg.Connection[Any]", wait_seconds: float) -> None:
    """Rename the new schema over the old one, retrying while readers hold locks on the old tables."""
    from psycopg import errors

    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with connection.transaction():
                _rename(connection)
            return
        except (errors.LockNotAvailable, errors.QueryCanceled):
            if time.monotonic() >= deadline:
                raise PostgresError(
                    f"readers have kept schema {SCHEMA} locked for {wait_seconds:.0f} s: look for sessions that "
                    "are idle in a transaction in pg_stat_activity, and run `growth postgres` again"
                ) from None
            time.sleep(PAUSE_SECONDS)


def _rename(connection: "psycopg.Connection[Any]") -> None:
    from psycopg import sql

    old = [table for (table,) in connection.execute(TABLES, [SCHEMA]).fetchall()]
    if old:
        # Wait for readers of the old tables; new readers wait and find the new ones. One short timeout for all locks:
        # no deadlock lasts until PostgreSQL cancels somebody.
        locked = sql.SQL(", ").join(sql.Identifier(SCHEMA, table) for table in old)
        connection.execute(f"set local statement_timeout = {LOCK_MILLISECONDS}")
        connection.execute(sql.SQL("lock table {} in access exclusive mode").format(locked))
        connection.execute("set local statement_timeout = 0")
    connection.execute(f"set local lock_timeout = {LOCK_MILLISECONDS}")
    views = connection.execute(VIEWS, [SCHEMA]).fetchall()
    if old:
        connection.execute(f"alter schema {SCHEMA} rename to {REPLACED}")
    connection.execute(f"drop schema if exists {SCHEMA}")
    connection.execute(f"alter schema {BUILDING} rename to {SCHEMA}")
    for view, definition in views:
        _repoint_view(connection, view, definition)
    if old:
        # Without cascade, so that dependent objects of others are never dropped silently.
        dropped = sql.SQL(", ").join(sql.Identifier(REPLACED, table) for table in old)
        connection.execute(sql.SQL("drop table {}; drop schema {}").format(dropped, sql.Identifier(REPLACED)))


def _repoint_view(connection: "psycopg.Connection[Any]", view: str, definition: str) -> None:
    """Point a reader's view at the new tables; it keeps its owner, grants and dependent views."""
    from psycopg import Error, errors

    try:
        # PostgreSQL itself returned the name and definition, already quoted.
        connection.execute(f"create or replace view {view} as {definition}")
    except errors.LockNotAvailable:
        raise
    except Error as error:
        raise PostgresError(
            f"view {view} cannot read the new tables ({error.diag.message_primary}): change or drop it, and run "
            "`growth postgres` again"
        ) from error

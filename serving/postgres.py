"""A second target for readers that need a server: schema `marts` of a PostgreSQL database, swapped in by its name.

What is published is copied into a schema beside the old one, and one transaction gives it the name. Readers see the
old tables until then and the new ones after it; nobody sees some of each.
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

if TYPE_CHECKING:
    import psycopg

SCHEMA = "marts"
BUILDING = "marts_building"
REPLACED = "marts_replaced"
# Any number will do, as long as nothing else on the server takes the same advisory lock.
ONE_AT_A_TIME = 7_316_204_419
ROWS_AT_A_TIME = 100_000
# Shorter than the second after which PostgreSQL looks for deadlocks, so that it is never a reader who is ended.
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
# Views of readers stand in schemas of their own and read tables of ours, which are about to be others.
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
    """The copy in PostgreSQL could not be made; what readers have there stays as it was."""


@dataclass(frozen=True)
class Copied:
    """What a copy put before the readers."""

    run_id: str
    rows_by_table: dict[str, int]
    # The same publish was there already.
    is_unchanged: bool


def publish_to_postgres(settings: Settings, *, wait_seconds: float = 600) -> Copied:
    """Copy what is published to the database of `GROWTH_POSTGRES_URL`, unless it is there.

    Waits up to `wait_seconds` for readers who are in the middle of a transaction. Raises `PostgresError` with what to
    do; what readers have there stays as it was.
    """
    if settings.postgres_url is None:
        raise PostgresError("GROWTH_POSTGRES_URL is not set: it says where the PostgreSQL database is")
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
    """A connection that nobody else of us has at this time; what the server says becomes a sentence."""
    try:
        import psycopg
    except ImportError as error:
        raise PostgresError("PostgreSQL is reached by psycopg, of the extra `postgres` of pyproject.toml") from error
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # What PostgreSQL says about an address repeats it, with its password.
        raise PostgresError("GROWTH_POSTGRES_URL is not of the form postgresql://user@host/database") from None
    try:
        with psycopg.connect(url, autocommit=True, application_name="growth-pipeline") as connection:
            # Definitions of views are written with the names of schemas, since none is looked up by itself.
            connection.execute("set search_path = ''; set client_encoding = 'utf8'; set timezone = 'UTC'")
            if connection.execute("select pg_try_advisory_lock(%s)", [ONE_AT_A_TIME]).fetchone() != (True,):
                raise PostgresError("another process is copying to this database: let it end and start again")
            yield connection
    except psycopg.Error as error:
        raise PostgresError(f"PostgreSQL: {str(error).strip()}") from error


def _columns(published: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str, str | None]]]:
    """Name, type in PostgreSQL and description of each column, by table."""
    columns: dict[str, list[tuple[str, str, str | None]]] = {}
    for table, column, kind, comment in published.execute(
        """
        select table_name, column_name, data_type, comment
        from duckdb_columns() where schema_name = 'marts' order by table_name, column_index
        """
    ).fetchall():
        in_postgres = kind.replace("DECIMAL", "numeric") if kind.startswith("DECIMAL") else TYPES.get(kind)
        if in_postgres is None:
            raise PostgresError(f"{table}.{column} is {kind}, which has no type in PostgreSQL here: see TYPES")
        columns.setdefault(table, []).append((column, in_postgres, comment))
    return columns


def _is_there(connection: "psycopg.Connection[Any]", run_id: str, published_at: object) -> bool:
    """Whether the publish has been copied; a schema of this name that is not ours is left alone."""
    tables = [table for (table,) in connection.execute(TABLES, [SCHEMA]).fetchall()]
    if not tables:
        return False
    if "publish_info" not in tables:
        raise PostgresError(f"schema {SCHEMA} of this database holds something else: name a database of its own")
    there = connection.execute("select run_id, published_at from marts.publish_info").fetchall()
    return there == [(run_id, published_at)]


def _build(
    connection: "psycopg.Connection[Any]",
    published: duckdb.DuckDBPyConnection,
    columns: dict[str, list[tuple[str, str, str | None]]],
) -> dict[str, int]:
    """Every table with its rows and descriptions in a schema that nobody reads yet; returns the number of rows."""
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
                said = sql.SQL("comment on column {} is {}")
                connection.execute(said.format(sql.Identifier(BUILDING, table, column), sql.Literal(comment)))
            # Without it a reader's first query on the new table is planned blindly.
            connection.execute(sql.SQL("analyze {}").format(name))
        for table, comment in published.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'marts'"
        ).fetchall():
            said = sql.SQL("comment on table {} is {}")
            connection.execute(said.format(sql.Identifier(BUILDING, table), sql.Literal(comment)))
    return rows


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _copy(
    connection: "psycopg.Connection[Any]",
    published: duckdb.DuckDBPyConnection,
    table: str,
    texts: Sequence[str],
    name: Any,
) -> int:
    """The rows of a table, as CSV in which text is quoted and what is not known is not.

    PostgreSQL keeps no character NUL: where a text has one, the sign for a character that is not known stands instead.
    """
    from psycopg import sql
    from pyarrow import csv

    written = csv.WriteOptions(include_header=False)
    rows = 0
    replaced = [f"replace({_quoted(column)}, chr(0), '\ufffd') as {_quoted(column)}" for column in texts]
    kept = f"select * replace ({', '.join(replaced)}) from" if replaced else "from"
    batches = published.execute(f"{kept} {_quoted(table)}").to_arrow_reader(ROWS_AT_A_TIME)
    # Frozen rows are seen by every transaction that finds the table, also by one that began before it was filled.
    with connection.cursor().copy(sql.SQL("copy {} from stdin (format csv, freeze)").format(name)) as copy:
        for batch in batches:
            text = BytesIO()
            csv.write_csv(batch, text, written)
            copy.write(text.getvalue())
            rows += batch.num_rows
    return rows


def _swap(connection: "psycopg.Connection[Any]", wait_seconds: float) -> None:
    """Give the new schema the name of the old one once no reader is in the middle of the old one's tables."""
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
                    f"readers have been in the middle of schema {SCHEMA} for {wait_seconds:.0f} s: see "
                    "pg_stat_activity for sessions that are idle in a transaction, and run `growth postgres`"
                ) from None
            time.sleep(PAUSE_SECONDS)


def _rename(connection: "psycopg.Connection[Any]") -> None:
    from psycopg import sql

    old = [table for (table,) in connection.execute(TABLES, [SCHEMA]).fetchall()]
    if old:
        # A reader who has read one of the old tables ends before, and one who comes now finds only new ones. All locks
        # within one short time: together they never last until PostgreSQL ends somebody for a deadlock.
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
        _keep_view(connection, view, definition)
    if old:
        # Without cascade: what somebody else has made of our tables is never dropped in silence.
        dropped = sql.SQL(", ").join(sql.Identifier(REPLACED, table) for table in old)
        connection.execute(sql.SQL("drop table {}; drop schema {}").format(dropped, sql.Identifier(REPLACED)))


def _keep_view(connection: "psycopg.Connection[Any]", view: str, definition: str) -> None:
    """Let a reader's view read the new tables; it keeps its owner, its grants and the views that stand on it."""
    from psycopg import Error, errors

    try:
        # The name and the definition are PostgreSQL's own, quoted by it.
        connection.execute(f"create or replace view {view} as {definition}")
    except errors.LockNotAvailable:
        raise
    except Error as error:
        raise PostgresError(
            f"view {view} cannot read the new tables ({error.diag.message_primary}): change or drop it, and run "
            "`growth postgres`"
        ) from error

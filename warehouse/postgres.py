"""The warehouse as a PostgreSQL database, which DuckDB reads and writes under the names that its own file would have.

Models, and what they are made of, stay on the server; the pipeline's own statements go through DuckDB's extension for
PostgreSQL, so that loads, gates and publishing are the same code for both. Needs the extra `postgres`.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from settings import SettingsError, UserError, get_settings
from warehouse.sql_text import literal, quote

SUFFIX = ".postgres"
SETTING = "GROWTH_WAREHOUSE_URL"
CONNECT_SECONDS = 10
POLL_SECONDS = 0.5
# What a server says that ends a connection, as libpq passes it on.
ENDED = ("server closed the connection", "terminating connection", "SSL connection has")
# What psycopg and libpq say of a name that is no host's.
NOT_FOUND = ("failed to resolve host", "could not translate host name")
# Of one that is gone, DuckDB gives no reason why a transaction could not be committed.
NO_REASON = 'Failed to execute query "COMMIT":'
# Tables that were just made are joined row by row otherwise: two models took nine minutes. And compiling a statement
# takes longer here than it saves.
SESSION = "-c timezone=UTC -c enable_nestloop=off -c jit=off"
# Of this project alone, whatever else a database is used for.
ADVISORY_LOCK = 0x67726F777468
HOLDER = """
select application_name, pid from pg_stat_activity where pid in
(select pid from pg_locks where locktype = 'advisory' and (classid::bigint << 32) + objid::bigint = %s and granted)
"""


class ServerError(UserError):
    """The server cannot be used; the message says why and what to do, without the password."""


def is_on_server(path: Path) -> bool:
    """Whether the warehouse of a data folder is on a server: its file only says on which."""
    return path.suffix == SUFFIX


def is_server(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a connection's own database is the server's."""
    own = "select type from duckdb_databases() where database_name = current_database()"
    return connection.execute(own).fetchall() == [("postgres",)]


def address() -> dict[str, str]:
    """The parts of `GROWTH_WAREHOUSE_URL` as libpq names them; `host`, `port`, `user` and `dbname` always.

    Raises `ServerError`.
    """
    url = get_settings().warehouse_url
    if url is None:
        raise ServerError(f"GROWTH_TARGET is postgres, and {SETTING} is not set: set it to the address of the database")
    try:
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise ServerError(
            f"GROWTH_TARGET is postgres, and {error.name} is not installed: `make setup` installs it"
        ) from error
    try:
        parts = conninfo_to_dict(url.get_secret_value())
    except Error:
        # The message of libpq repeats the address, with its password.
        raise ServerError(f"{SETTING} is no address: write it as postgresql://growth@host:5432/warehouse") from None
    given = {name: str(value) for name, value in parts.items() if value is not None}
    return {"host": "localhost", "port": "5432", "user": "growth", "dbname": "warehouse", **given}


def environment() -> dict[str, str]:
    """The address as libpq's variables, which dbt's profile reads."""
    parts = address()
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    return {variable: parts[name] for name, variable in names.items() if name in parts} | {"PGOPTIONS": SESSION}


@contextmanager
def connect(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose own database is the server's. Raises `ServerError` if the server is not there."""
    parts = address()
    with duckdb.connect() as connection:
        connection.load_extension(str(_extension()))
        name = quote(parts["dbname"])
        options = "type postgres, read_only" if read_only else "type postgres"
        try:
            connection.execute(f"attach {literal(conninfo(parts))} as {name} ({options})")
        except duckdb.Error as error:
            raise unreachable(parts, str(error)) from None
        try:
            connection.execute(f"use {name}.public")
            _sign(path, parts)
            yield connection
        except Exception as error:
            # DuckDB's, or dlt's, which opens connections of its own.
            if is_lost(str(error)):
                raise lost(str(error)) from error
            raise


@contextmanager
def hold(holder: str, wait_seconds: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the advisory lock of the database. Raises `TimeoutError` with who holds it, and `ServerError`."""
    import psycopg

    parts = address()
    try:
        connection = psycopg.connect(conninfo(parts), autocommit=True)
    except psycopg.Error as error:
        raise unreachable(parts, str(error)) from None
    try:
        _take_lock(connection, holder, wait_seconds, say)
        yield
    finally:
        # The server lets go of the lock when the connection ends, as it does when this process is killed.
        with suppress(psycopg.Error):
            connection.close()


def require_file(path: Path, what: str, instead: str) -> None:
    """Raise `SettingsError` if the warehouse is on a server, where `what` has no file to work on."""
    if is_on_server(path):
        raise SettingsError(f"{what} needs a warehouse in one file, and GROWTH_TARGET is postgres: {instead}")


def vacuum(*, rewrite: bool) -> None:
    """Let PostgreSQL use the room of replaced rows again; with `rewrite` no byte of them stays on its disk.

    The caller holds the lock. Raises `ServerError`.
    """
    _ask("vacuum (full, analyze)" if rewrite else "vacuum (analyze)")


def database_bytes() -> int:
    """The size of the database on the server's disk. Raises `ServerError`."""
    return int(_ask("select pg_database_size(current_database())")[0][0])


def table_sizes() -> list[tuple[str, str, int, int]]:
    """Schema, name, rows as last counted, and bytes of each table, the largest first. Raises `ServerError`."""
    return _ask(
        "select schemaname, relname, n_live_tup, pg_total_relation_size(relid) from pg_stat_user_tables "
        "order by 4 desc, 1, 2"
    )


def _ask(statement: str) -> list[Any]:
    """Run one statement of PostgreSQL's own, outside of a transaction."""
    import psycopg

    parts = address()
    try:
        with psycopg.connect(conninfo(parts), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        raise unreachable(parts, str(error)) from None


def _take_lock(connection: Any, holder: str, wait_seconds: float, say: Callable[[str], None]) -> None:
    started, said = time.monotonic(), False
    while connection.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone() != (True,):
        row = connection.execute(HOLDER, [ADVISORY_LOCK]).fetchone()
        who = f"{row[0]} (process {row[1]} of the server)" if row else "another connection"
        if time.monotonic() - started >= wait_seconds:
            raise TimeoutError(who)
        if not said:
            say(f"waiting for the warehouse: {who} holds it")
            said = True
        time.sleep(POLL_SECONDS)
    connection.execute("select set_config('application_name', %s, false)", [f"growth-pipeline: {holder}"[:63]])


def is_lost(message: str) -> bool:
    """Whether a message of DuckDB, dbt or dlt means that the server ended a connection."""
    says_so = any(words in message for words in (*ENDED, "connection to server at"))
    return says_so or message.rstrip().endswith(NO_REASON)


def lost(message: str) -> ServerError:
    return ServerError(
        f"the connection to the warehouse's server ended ({_reason(message)}). Nothing was published: run again once "
        "the server answers, which ends as an undisturbed run would"
    )


def unreachable(parts: dict[str, str], message: str) -> ServerError:
    """The error to raise if nobody answers, or the server does not let us in; it may also end while it lets us in."""
    if any(words in message for words in ENDED):
        return lost(message)
    return ServerError(
        f"the warehouse's server {parts['user']}@{parts['host']}:{parts['port']}/{parts['dbname']} cannot be used "
        f"({_reason(message)}): check {SETTING}, the password (PGPASSWORD or ~/.pgpass) and the network"
    )


def _reason(message: str) -> str:
    """What the server said. Other parts of a message may have the address, with its password."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or ["no reason given"]
    if not_found := next((line for line in lines if line.startswith(NOT_FOUND)), None):
        return not_found
    said = next((line for line in lines if "FATAL:" in line), next((line for line in lines if "failed:" in line), ""))
    return said.rpartition("FATAL:")[2].rpartition("failed:")[2].strip() or "it ended"


def conninfo(parts: dict[str, str]) -> str:
    """The address as libpq takes it, for sessions of this project."""
    from psycopg.conninfo import make_conninfo

    settings = {
        "connect_timeout": str(CONNECT_SECONDS),
        "application_name": "growth-pipeline",
        "client_encoding": "utf8",
    }
    return make_conninfo(**{**settings, **parts, "options": SESSION})


def _sign(path: Path, parts: dict[str, str]) -> None:
    """Note which database a data folder belongs to. Raises `ServerError` if it is another's."""
    mine = {name: parts[name] for name in ("host", "port", "dbname")}
    if not path.exists():
        path.write_text(json.dumps(mine))
    elif json.loads(path.read_text()) != mine:
        noted = json.loads(path.read_text())
        raise ServerError(
            f"{path.parent} belongs to the database {noted['dbname']} on {noted['host']}:{noted['port']}, and "
            f"{SETTING} names another: set GROWTH_DATA_DIR to a folder of its own, or delete {path} if that database "
            "has moved"
        )


def _extension() -> Path:
    """DuckDB's extension for PostgreSQL, from its package: nothing is downloaded while the pipeline runs."""
    try:
        import duckdb_extension_postgres_scanner as package
    except ImportError as error:
        raise ServerError(
            f"GROWTH_TARGET is postgres, and {error.name} is not installed: `make setup` installs it"
        ) from error
    return next(Path(package.__file__).parent.rglob("*.duckdb_extension"))

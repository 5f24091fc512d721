"""SQL on Spark, through its Thrift server: one session a connection."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from settings import Settings, UserError
from warehouse.iceberg import CATALOG, SCHEMAS, open_catalog, require_extra, tables, with_earlier_snapshots

DEFAULT_PORT = 10000
# In every session: bad casts fail, and names are quoted as on other engines.
SESSION = {"set:hivevar:spark.sql.ansi.enabled": "true", "set:hivevar:spark.sql.ansi.doubleQuotedIdentifiers": "true"}
# Thrift's messages about a server that is not there, or no longer.
GONE = (
    "Could not connect",
    "read 0 bytes",
    "Connection refused",
    "Broken pipe",
    "Connection reset",
    "Transport not open",
)


class SparkError(UserError):
    """Spark did not do what was asked; the message says where and why."""


class Address(NamedTuple):
    """Where the Thrift server listens, and as whom to ask."""

    host: str
    port: int
    user: str


def address(settings: Settings) -> Address:
    """The address in GROWTH_WAREHOUSE_URL. Raises `SparkError` if it is none of a Thrift server."""
    url = urlsplit(settings.warehouse_url.get_secret_value() if settings.warehouse_url else "")
    if url.scheme != "thrift" or not url.hostname:
        raise SparkError("set GROWTH_WAREHOUSE_URL to thrift://USER@HOST:PORT, since GROWTH_TARGET is spark")
    return Address(url.hostname, url.port or DEFAULT_PORT, url.username or "growth")


@contextmanager
def open_spark(settings: Settings) -> Iterator[Any]:
    """A session, as a connection of the database API. Raises `SparkError` for what fails in it."""
    require_extra("pyhive")
    from pyhive import hive
    from thrift.transport.TTransport import TTransportException

    place = address(settings)
    try:
        connection = hive.connect(host=place.host, port=place.port, username=place.user, configuration=SESSION)
        try:
            yield connection
        finally:
            if answers(settings):
                connection.close()
    except (hive.Error, TTransportException, OSError) as error:
        raise SparkError(explain(settings, str(error))) from error


def execute(connection: Any, statement: str) -> None:
    """Run a statement that has no result."""
    connection.cursor().execute(statement)


def rows(connection: Any, query: str) -> list[tuple]:
    """The rows of a query."""
    cursor = connection.cursor()
    cursor.execute(query)
    return cursor.fetchall()


def answers(settings: Settings) -> bool:
    """Whether the Thrift server takes connections."""
    place = address(settings)
    with socket.socket() as attempt:
        attempt.settimeout(5)
        return attempt.connect_ex((place.host, place.port)) == 0


def explain(settings: Settings, message: str) -> str:
    """One sentence for an error of Thrift, whose own text has the server's whole stack."""
    place = address(settings)
    if any(words in message for words in GONE):
        return (
            f"Spark's Thrift server at {place.host}:{place.port} does not answer: start it and run again. Nothing was "
            "published, and the next run builds what this one left"
        )
    said = message.partition("errorMessage=")[2] or message
    return f"Spark says: {said.strip(chr(39)).partition(chr(92) + 'n')[0].splitlines()[0][:1000]}"


def expire_snapshots(settings: Settings, keep_days: int) -> int:
    """Delete the files that only snapshots older than `keep_days` have, but for each table's newest; returns how many.

    Spark is asked about tables with such a snapshot alone: a statement for each of two hundred tables takes minutes.
    """
    before = datetime.now(UTC) - timedelta(days=keep_days)
    with open_catalog(settings) as catalog:
        old = [table for schema in SCHEMAS for table in with_earlier_snapshots(catalog, schema, before)]
    if not old:
        return 0
    with open_spark(settings) as connection:
        return sum(_expire(connection, table, before) for table in old)


def remove_orphans(settings: Settings) -> int:
    """Delete files of writes that were killed; returns how many.

    They are deleted when they are three days old, as Iceberg has it by default: a younger one may belong to a write
    that has not ended.
    """
    with open_catalog(settings) as catalog:
        there = [f"{schema}.{table}" for schema in SCHEMAS for table in tables(catalog, schema)]
    with open_spark(settings) as connection:
        remove = f"call {CATALOG}.system.remove_orphan_files(table => "
        return sum(len(rows(connection, f"{remove}'{table}')")) for table in there)


def _expire(connection: Any, table: str, before: datetime) -> int:
    # A procedure of Iceberg takes no expression.
    expire = (
        f"call {CATALOG}.system.expire_snapshots(table => '{table}', retain_last => 1, "
        f"older_than => timestamp '{before:%Y-%m-%d %H:%M:%S.%f}')"
    )
    return sum(count or 0 for count in rows(connection, expire)[0])

"""The connection to the product's database: read-only, one snapshot for all tables, and errors as sentences."""

import logging
import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from connectors.report import LandingError
from settings import LOOPBACK_HOSTS, Settings

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

SYSTEM = "postgres"
CONNECT_SECONDS = 15
# Set for the transaction alone, since a pooler lends its connections to others. Stamps are in UTC and ISO 8601. A
# server that hangs ends the landing, but one statement may read the usage of years.
SESSION = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "statement_timeout": "1h",
    "idle_in_transaction_session_timeout": "10min",
    "lock_timeout": "1min",
}
ATTEMPTS = 3
PAUSE_SECONDS = 5.0
# A replica cancels a snapshot that keeps it from following; a server that restarts ends it.
ENDED = ("conflict with recovery", "closed the connection", "terminating connection", "connection not open")


def with_snapshot(settings: Settings, read: Callable[[psycopg.Connection], Result]) -> Result:
    """What `read` gives, in one repeatable-read transaction. It is read again if the server ended the transaction.

    Raises `LandingError`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with connected(settings) as connection:
            try:
                return read(connection)
            except psycopg.Error as error:
                message = _first_line(error)
                if attempt == ATTEMPTS or not any(words in message for words in ENDED):
                    raise LandingError(
                        f"{SYSTEM}: the snapshot of the database ended ({message}), so nothing is landed: run again, "
                        "or, on a replica, raise its max_standby_streaming_delay"
                    ) from None
                logger.info(f"{SYSTEM}: the snapshot ended ({message}), and is taken again")
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def connected(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection whose one transaction reads a snapshot. Raises `LandingError`, which never has the password."""
    if settings.land_postgres_url is None:
        raise LandingError(f"{SYSTEM}: GROWTH_LAND_POSTGRES_URL is not set: set it to the address of the database")
    url = settings.land_postgres_url.get_secret_value()
    parts = _parts(url)
    with ExitStack() as closed:
        try:
            connection = psycopg.connect(
                url,
                connect_timeout=CONNECT_SECONDS,
                application_name="growth-pipeline",
                client_encoding="utf8",
                **_security(parts),
            )
            closed.callback(connection.close)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            # Of a pooler this is the first statement that the database itself answers.
            for name, value in SESSION.items():
                connection.execute("select set_config(%s, %s, true)", [name, value])
        except psycopg.Error as error:
            raise LandingError(
                f"{SYSTEM}: the database {_shown(parts)} cannot be reached ({_reason(error)}): check "
                "GROWTH_LAND_POSTGRES_URL, the password (PGPASSWORD or ~/.pgpass) and the network"
            ) from None
        yield connection


def _parts(url: str) -> dict[str, Any]:
    """The parts of an address. Raises `LandingError`, which does not quote it."""
    try:
        return conninfo_to_dict(url)
    except psycopg.Error:
        raise LandingError(
            f"{SYSTEM}: GROWTH_LAND_POSTGRES_URL is no address of a database: write it as "
            "postgresql://reader@db.example:5432/app, with % signs for special characters"
        ) from None


def _shown(parts: dict[str, Any]) -> str:
    """Host, port, database and user of an address, without its password."""
    user = f"{parts['user']}@" if parts.get("user") else ""
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{user}{parts.get('host') or 'localhost'}{port}/{parts.get('dbname') or ''}"


def _security(parts: dict[str, Any]) -> dict[str, Any]:
    """Checked certificates by default: without them, anybody on the way can read. An address can say otherwise."""
    # What the address leaves out, PostgreSQL's library takes from its own variables, such as PGHOST.
    defaults = {option.keyword.decode(): (option.val or b"").decode() for option in Conninfo.get_defaults()}
    hosts = [str(parts.get(name) or defaults.get(name) or "") for name in ("host", "hostaddr")]
    is_here = all(host in LOOPBACK_HOSTS or host.startswith("/") for host in hosts if host)
    if (is_here and "service" not in parts) or "sslmode" in parts:
        return {}
    # The library that psycopg brings obeys these variables, but has no system's own place of certificates.
    is_told = "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ
    system = "system" if is_told else ssl.get_default_verify_paths().cafile or "system"
    return {"sslmode": "verify-full", **({} if "sslrootcert" in parts else {"sslrootcert": system})}


def _reason(error: Exception) -> str:
    """Why a connection failed. libpq lists every address that it tried; the last line says what the server said."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    last = lines[-1] if "FATAL" in lines[-1] else lines[0]
    return last.rpartition("FATAL:")[2].strip() or last


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip() or type(error).__name__

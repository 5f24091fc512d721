"""Which errors are transient. They are retried after growing, random waits; any other fails its step at once.

Retrying a permanent error only delays it, so every error not listed here is permanent.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from dagster import Backoff, Failure, Jitter, RetryPolicy

from settings import get_settings
from warehouse.folder import out_of_room

RETRY = RetryPolicy(max_retries=3, delay=5, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)


class Transient(NamedTuple):
    """A transient error: a class by its full name (subclasses count), and words of its message."""

    error: str
    words: str
    why: str


TRANSIENT = (
    Transient("duckdb.IOException", "Could not set lock", "Somebody has the warehouse open for a moment."),
    Transient("transform.dbt_runner.DbtError", "Could not set lock", "The same, met by dbt."),
    Transient("sqlite3.OperationalError", "database is locked", "Dagster's own storage is written by another process."),
    Transient("builtins.ConnectionError", "", "The network, or the other side, went away."),
    Transient("builtins.TimeoutError", "", "The other side was slow."),
    Transient("psycopg.OperationalError", "Connection refused", "The PostgreSQL server is being started."),
    Transient("psycopg.OperationalError", "server closed the connection", "The PostgreSQL server went away."),
    Transient("botocore.exceptions.HTTPClientError", "", "The object store could not be reached."),
    Transient("botocore.exceptions.ClientError", "SlowDown", "The object store asks for patience."),
)


def is_transient(error: BaseException | None) -> bool:
    """Whether the error or one of its causes is listed in `TRANSIENT`."""
    while error is not None:
        names = {f"{kind.__module__.lstrip('_')}.{kind.__qualname__}" for kind in type(error).__mro__}
        if any(each.error in names and each.words in str(error) for each in TRANSIENT):
            return True
        error = error.__cause__
    return False


@contextmanager
def permanent_unless_transient() -> Iterator[None]:
    """Pass transient errors to the step's retry policy; any other fails the step."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        if is_transient(error):
            raise
        said = out_of_room(get_settings().data_dir, error) or error
        raise Failure(str(said), allow_retries=False) from error

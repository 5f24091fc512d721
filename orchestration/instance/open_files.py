"""Keeps the SQLite files of Dagster's history open during a run.

Dagster opens and closes a connection per event, and SQLite copies its log into the file when the last one closes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def history_kept_open() -> Iterator[None]:
    """Hold one more connection to each SQLite file that SQLAlchemy opens, and do not wait for the disk per event.

    With `synchronous = normal`, a power cut may lose the newest events but damages nothing.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    held: dict[str, sqlite3.Connection] = {}

    def hold(connection: Any, _record: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")
        [(_, _, path)] = connection.execute("pragma database_list").fetchall()
        if not path:
            return
        if path not in held:
            held[path] = sqlite3.connect(path, timeout=0, check_same_thread=False)
        # A connection counts once it has read. A new file may still be locked: the next event tries again.
        with suppress(sqlite3.OperationalError):
            held[path].execute("select 1 from sqlite_master limit 1").fetchall()

    event.listen(Engine, "connect", hold)
    try:
        yield
    finally:
        event.remove(Engine, "connect", hold)
        for connection in held.values():
            connection.close()

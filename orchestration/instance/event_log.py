"""Dagster's event log in SQLite, with one engine and one connection a file instead of one an event."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from weakref import WeakSet

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, QueuePool, create_engine

BUSY_TIMEOUT_SECONDS = 60


_engines: WeakSet[Engine] = WeakSet()


@lru_cache(maxsize=8)
def _engine(address: str) -> Engine:
    engine = create_engine(address, poolclass=QueuePool, pool_size=1, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    _engines.add(engine)
    return engine


class EventLogStorage(SqliteEventLogStorage):
    """Dagster makes an engine for each event, which compiles each statement anew, and a connection for each statement.

    It also asks the file's schema for what it has, several times an event. All of that is more work than storing the
    event. The schema of a file changes when Dagster's version does, and then its processes start again.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._known: set[str] = set()
        super().__init__(*arguments, **named)

    def has_table(self, table_name: str) -> bool:
        """Whether the file has a table. Asked until the answer is yes, and so are the two that follow."""
        return self._is_known(f"table {table_name}", lambda: super(EventLogStorage, self).has_table(table_name))

    def has_secondary_index(self, name: str) -> bool:
        """Whether a change of the schema has been made."""
        return self._is_known(f"index {name}", lambda: super(EventLogStorage, self).has_secondary_index(name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        return self._is_known(
            f"column {column_name}",
            lambda: super(EventLogStorage, self)._has_asset_key_col_on_connection(conn, column_name),
        )

    def _is_known(self, what: str, ask: Callable[[], bool]) -> bool:
        if what not in self._known and ask():
            self._known.add(what)
        return what in self._known

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "EventLogStorage":
        """What Dagster calls with the part of `dagster.yaml` that names this class."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def dispose(self) -> None:
        """Close the connections as well, so that no log of SQLite's own is left beside the files."""
        super().dispose()
        for engine in list(_engines):
            engine.dispose()

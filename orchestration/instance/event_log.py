"""Dagster's SQLite event log with one engine and connection per file instead of per event."""

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
    """An event log that caches engines, connections and the schema's state.

    Dagster makes an engine per event, which recompiles every statement, and a connection per statement; it also
    inspects the schema several times per event. The schema changes only with Dagster's version, when its processes
    restart anyway.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._known: set[str] = set()
        super().__init__(*arguments, **named)

    def has_table(self, table_name: str) -> bool:
        """Whether the file has a table. A yes is cached, here and in the next two methods."""
        return self._is_known(f"table {table_name}", lambda: super(EventLogStorage, self).has_table(table_name))

    def has_secondary_index(self, name: str) -> bool:
        """Whether a schema change has been made."""
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
        """Called by Dagster with the configuration in `dagster.yaml`."""
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
        """Close the connections too, so that no SQLite log is left beside the files."""
        super().dispose()
        for engine in list(_engines):
            engine.dispose()

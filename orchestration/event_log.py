"""Dagster's event log in SQLite, with one SQLAlchemy engine a file instead of one an event."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, NullPool, create_engine

BUSY_TIMEOUT_SECONDS = 60


@lru_cache(maxsize=8)
def _engine(address: str) -> Engine:
    return create_engine(address, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})


class EventLogStorage(SqliteEventLogStorage):
    """Dagster makes an engine for each event, and an engine compiles each statement that it has not seen.

    That is more work than storing the event. An engine that stays keeps what it compiled, and no connection.
    """

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

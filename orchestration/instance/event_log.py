"""Dagster's history of events in SQLite, with its files kept open.

Dagster's own storage makes an engine and opens a connection for each of the 1,400 events of a run, and SQLite copies
its log into the file when a connection closes: three quarters of what an event costs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event

INDEX = "index"
# The run that writes, and one that somebody looks at; each is a file.
MOST_RUNS_OPEN = 2
# Another process may be writing.
BUSY_TIMEOUT_SECONDS = 30


class EventLog(SqliteEventLogStorage):
    """The same files and tables as Dagster's own. A power cut may lose the newest events and damages nothing."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._one_at_a_time = Lock()
        self._tables_there: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "EventLog":
        """Dagster's way to make what `dagster.yaml` names."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def run_connection(self, run_id: str | None = None) -> Iterator[Connection]:
        """A transaction in the file of a run."""
        with self._one_at_a_time, self._engine(str(run_id)).begin() as connection:
            yield connection

    def index_connection(self) -> Any:
        """A transaction in the file that is about all runs."""
        return self.run_connection(INDEX)

    def has_table(self, table_name: str) -> bool:
        """Asked for each event of an asset; no table is ever dropped."""
        if table_name not in self._tables_there and super().has_table(table_name):
            self._tables_there.add(table_name)
        return table_name in self._tables_there

    def dispose(self) -> None:
        """Close the files."""
        with self._one_at_a_time:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()

    def _engine(self, file: str) -> Engine:
        if file not in self._engines:
            # The first connection of Dagster's own makes the file and its tables.
            with super().run_connection(file):
                pass
            runs = [each for each in self._engines if each != INDEX]
            if file != INDEX and len(runs) == MOST_RUNS_OPEN:
                self._engines.pop(runs[0]).dispose()
            engine = create_engine(
                self.conn_string_for_shard(file), connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, pool_size=1
            )
            event.listen(engine, "connect", _do_not_wait_for_the_disk)
            self._engines[file] = engine
        return self._engines[file]


def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("pragma synchronous = normal")

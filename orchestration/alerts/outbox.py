"""What was told, what was held back, and what waits to be sent: one SQLite file, for every process that tells.

An alert is put down in one transaction with the note that its run has been looked at, so it is neither lost nor put
down twice. A message goes out under the file's lock and is struck off at once; a process that is killed in between
has it sent again.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from orchestration.alerts.messages import Alert

KEPT = timedelta(days=2)
LOCK_SECONDS = 60.0
TABLES = """
create table if not exists looked_at (subject text primary key);
create table if not exists told (
    channel text, owner text, kind text, about text, told_at text not null, held_back integer not null,
    primary key (channel, owner, kind, about)
);
create table if not exists outbox (
    id integer primary key, channel text not null, owner text not null, put_at text not null, message text not null
);
"""


class Message(NamedTuple):
    """What one owner gets of one run through one channel."""

    owner: str
    subject: str
    lines: list[str]


class Outbox:
    """The file at `path`, in which an alert is repeated no sooner than `window` after it was told."""

    def __init__(self, path: Path, window: timedelta) -> None:
        self._path = path
        self._window = window
        path.parent.mkdir(parents=True, exist_ok=True)

    def unseen(self, subjects: Collection[str]) -> set[str]:
        """Those that were not looked at yet: runs, and days on which a refresh was late."""
        with self._transaction() as connection:
            seen = {subject for (subject,) in connection.execute("select subject from looked_at")}
        return set(subjects) - seen

    def put(self, subject: str, where: str, alerts: Mapping[tuple[str, str], Sequence[Alert]], now: datetime) -> None:
        """Put down a message for each channel and owner, of those alerts that are due; once a subject."""
        with self._transaction() as connection:
            if not connection.execute("insert or ignore into looked_at values (?)", [subject]).rowcount:
                return
            for (channel, owner), each in alerts.items():
                due = [line for alert in each if (line := self._line_if_due(connection, channel, owner, alert, now))]
                if due:
                    message = Message(owner, f"growth-pipeline: {_count(len(due))} for {owner}", [*due, where])
                    connection.execute(
                        "insert into outbox (channel, owner, put_at, message) values (?, ?, ?, ?)",
                        [channel, owner, now.isoformat(), json.dumps(message)],
                    )

    def send(self, senders: Mapping[str, Callable[[Message], None]], log: logging.Logger, now: datetime) -> None:
        """Send what waits, oldest first. A channel that fails is left until the next time, and said to have failed."""
        failed: set[str] = set()
        while True:
            with self._transaction() as connection:
                waiting = connection.execute("select id, channel, put_at, message from outbox order by id").fetchall()
                todo = [row for row in waiting if row[1] not in failed]
                if not todo:
                    return
                number, channel, put_at, text = todo[0]
                error = _try(senders.get(channel), Message(*json.loads(text)))
                is_given_up = error and now - datetime.fromisoformat(put_at) >= KEPT
                if error:
                    failed.add(channel)
                    fate = "and is given up" if is_given_up else "and is tried again with the next run or look"
                    log.warning(f"an alert could not be sent by {channel} ({error}), {fate}")
                if is_given_up or not error:
                    connection.execute("delete from outbox where id = ?", [number])

    def _line_if_due(
        self, connection: sqlite3.Connection, channel: str, owner: str, alert: Alert, now: datetime
    ) -> str | None:
        key = [channel, owner, alert.kind, alert.about]
        is_key = "where channel = ? and owner = ? and kind = ? and about = ?"
        told = connection.execute(f"select told_at, held_back from told {is_key}", key).fetchone()  # noqa: S608
        # What was told at an instant that has not come yet was told by a clock that was wrong.
        if told and timedelta() <= now - datetime.fromisoformat(told[0]) < self._window:
            connection.execute(f"update told set held_back = held_back + 1 {is_key}", key)  # noqa: S608
            return None
        connection.execute("insert or replace into told values (?, ?, ?, ?, ?, 0)", [*key, now.isoformat()])
        again = f" (held back {told[1]} times since {told[0][:16]} UTC)" if told and told[1] else ""
        return f"{alert.severity} {alert.kind}: {alert.about}: {alert.detail}{again}"

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.executescript(TABLES)
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")


def utc_now() -> datetime:
    """This instant, in UTC and without a zone, as it is kept."""
    return datetime.now(UTC).replace(tzinfo=None)


def _try(sender: Callable[[Message], None] | None, message: Message) -> str | None:
    """Send, and say what went wrong: whatever it is, it must not be the end of a run."""
    if sender is None:
        return "the channel is no longer set up"
    try:
        sender(message)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return None


def _count(alerts: int) -> str:
    return "1 alert" if alerts == 1 else f"{alerts} alerts"

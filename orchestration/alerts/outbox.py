"""The alert outbox: one SQLite file of what was sent, suppressed or is waiting.

One transaction stores a run's alerts and marks it as processed, so none is lost or stored twice. A message is sent
under the file's lock and then deleted; after a kill in between it is sent again.
"""

import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from orchestration.alerts.messages import Alert

KEPT = timedelta(days=2)
LOCK_SECONDS = 60.0
# A server that is away costs a timeout for each owner.
FAILURES_THAT_STOP_A_CHANNEL = 2
TABLES = """
create table if not exists looked_at (subject text primary key);
create table if not exists told (
    channel text, owner text, kind text, about text, told_at text not null, held_back integer not null,
    primary key (channel, owner, kind, about)
);
create table if not exists outbox (
    id integer primary key, channel text not null, owner text not null, put_at text not null, message text not null
);
create table if not exists failed (
    channel text, owner text, failed_at text not null, primary key (channel, owner)
);
"""
# Owners whose last message failed come last, or two dead receivers would stop their channel for all others.
WAITING = """
select id, channel, owner, put_at, message from outbox left join failed using (channel, owner)
order by failed_at nulls first, id
"""


class Message(NamedTuple):
    """The alerts of one run, or a digest, for one owner through one channel; `html` is for mails."""

    owner: str
    subject: str
    lines: list[str]
    html: str = ""


class Outbox:
    """The outbox at `path`. An alert is repeated no sooner than `window` after it was last sent."""

    def __init__(self, path: Path, window: timedelta) -> None:
        self._path = path
        self._window = window
        path.parent.mkdir(parents=True, exist_ok=True)

    def unseen(self, subjects: Collection[str]) -> set[str]:
        """The subjects not processed yet: runs, and days on which a refresh was late."""
        with self._transaction() as connection:
            seen = {subject for (subject,) in connection.execute("select subject from looked_at")}
        return set(subjects) - seen

    def put(self, subject: str, where: str, alerts: Mapping[tuple[str, str], Sequence[Alert]], now: datetime) -> None:
        """Store a message of the due alerts for each channel and owner, once per subject."""
        with self._transaction() as connection:
            if not connection.execute("insert or ignore into looked_at values (?)", [subject]).rowcount:
                return
            for (channel, owner), each in alerts.items():
                due = [line for alert in each if (line := self._line_if_due(connection, channel, owner, alert, now))]
                if due:
                    message = Message(owner, f"growth-pipeline: {_count(len(due))} for {owner}", [*due, where])
                    _store(connection, channel, message, now)

    def put_messages(self, subject: str, messages: Mapping[str, Message], now: datetime) -> bool:
        """Store a message for each channel, once per subject; whether it was the first time."""
        with self._transaction() as connection:
            is_new = bool(connection.execute("insert or ignore into looked_at values (?)", [subject]).rowcount)
            for channel, message in messages.items() if is_new else ():
                _store(connection, channel, message, now)
        return is_new

    def send(
        self, senders: Mapping[str, Callable[[Message], None]], log: logging.Logger, now: datetime
    ) -> dict[tuple[str, str], bool]:
        """Send waiting messages, oldest first, and return by channel and owner whether all of theirs were sent.

        A failure is logged, and its owner is skipped on that channel until the next time; so is the whole channel after
        two owners in a row.
        """
        sent: dict[tuple[str, str], bool] = {}
        in_a_row: Counter[str] = Counter()
        while True:
            with self._transaction() as connection:
                waiting = connection.execute(WAITING).fetchall()
                todo = [
                    row for row in waiting
                    if sent.get((row[1], row[2]), True) and in_a_row[row[1]] < FAILURES_THAT_STOP_A_CHANNEL
                ]  # fmt: skip
                if not todo:
                    return sent | {(row[1], row[2]): False for row in waiting}
                number, channel, owner, put_at, text = todo[0]
                error = _try(senders.get(channel), Message(*json.loads(text)))
                in_a_row[channel] = in_a_row[channel] + 1 if error else 0
                _note_failure(connection, channel, owner, now if error else None)
                sent[channel, owner] = not error
                is_given_up = error and now - datetime.fromisoformat(put_at) >= KEPT
                if error:
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
        # An instant in the future comes from a wrong clock.
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


def _store(connection: sqlite3.Connection, channel: str, message: Message, now: datetime) -> None:
    connection.execute(
        "insert into outbox (channel, owner, put_at, message) values (?, ?, ?, ?)",
        [channel, message.owner, now.isoformat(), json.dumps(message)],
    )


def _note_failure(connection: sqlite3.Connection, channel: str, owner: str, failed_at: datetime | None) -> None:
    connection.execute("delete from failed where channel = ? and owner = ?", [channel, owner])
    if failed_at:
        connection.execute("insert into failed values (?, ?, ?)", [channel, owner, failed_at.isoformat()])


def utc_now() -> datetime:
    """The current instant in UTC without a zone, as stored."""
    return datetime.now(UTC).replace(tzinfo=None)


def _try(sender: Callable[[Message], None] | None, message: Message) -> str | None:
    """Send a message and return the error, if any: a failed alert must not fail a run."""
    if sender is None:
        return "the channel is no longer set up"
    try:
        sender(message)
    except Exception as error:  # noqa: BLE001 (a channel that fails ends no run; its error is kept)
        return f"{type(error).__name__}: {error}"
    return None


def _count(alerts: int) -> str:
    return "1 alert" if alerts == 1 else f"{alerts} alerts"

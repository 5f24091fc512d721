"""Ledger of the changes sent to each receiver, in a DuckDB file of its own."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from serving.exports.lists import Change
from warehouse.connection import connect

CREATE = """
create table if not exists sent (
    receiver varchar, list varchar, item varchar, fingerprint varchar, idempotency_key varchar,
    as_of_date date, unconfirmed varchar, file varchar, noted_at timestamp, send_number bigint,
    primary key (receiver, list, item)
);
alter table sent add column if not exists send_number bigint
"""
# By send number, since a wrong data day or clock may be later than everything after it.
LAST_DAY = """
select as_of_date from sent where receiver = ? order by coalesce(send_number, 0) desc, as_of_date desc limit 1
"""


@dataclass(frozen=True)
class Noted:
    """The last change of an item that was sent to a receiver.

    `fingerprint` is None after a removal. `unconfirmed` is the change as JSON until it is confirmed.
    """

    fingerprint: str | None
    idempotency_key: str
    unconfirmed: str | None


class SentLedger:
    """The entries of one receiver."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, receiver: str) -> None:
        self._connection = connection
        self._receiver = receiver
        connection.execute(CREATE)
        self._send_number = 1 + connection.execute("select coalesce(max(send_number), 0) from sent").fetchall()[0][0]

    def items(self, list_name: str) -> dict[str, Noted]:
        """The last change sent for each item of a list."""
        rows = self._connection.execute(
            "select item, fingerprint, idempotency_key, unconfirmed from sent "
            "where receiver = ? and list = ? order by item",
            [self._receiver, list_name],
        ).fetchall()
        return {item: Noted(*noted) for item, *noted in rows}

    def last_day(self) -> date | None:
        """Data day of the last send; None if nothing was sent."""
        row = self._connection.execute(LAST_DAY, [self._receiver]).fetchone()
        return row[0] if row else None

    def files(self) -> set[str]:
        rows = self._connection.execute(
            "select distinct file from sent where receiver = ? and file is not null", [self._receiver]
        ).fetchall()
        return {file for (file,) in rows}

    def begin(self, change: Change) -> None:
        """Record a change as sent but unconfirmed."""
        self._note([change], [None], json.dumps(asdict(change)))

    def confirm(self, changes: "Sequence[Change]", files: Sequence[str | None]) -> None:
        """Record in one transaction that the receiver has these changes, each with its file if it has one."""
        self._note(changes, files, None)

    def _note(self, changes: "Sequence[Change]", files: Sequence[str | None], unconfirmed: str | None) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        self._connection.execute("begin")
        self._connection.executemany(
            "insert or replace into sent values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    self._receiver, change.list_name, change.item, change.fingerprint, change.idempotency_key,
                    change.as_of_date, unconfirmed, file, now, self._send_number,
                ]
                for change, file in zip(changes, files, strict=True)
            ],
        )  # fmt: skip
        self._connection.execute("commit")


@contextmanager
def open_ledger(path: Path, receiver: str) -> Iterator[SentLedger]:
    """Open the ledger at `path`. The caller holds its lock (`warehouse.lock.hold`)."""
    with connect(path) as connection:
        yield SentLedger(connection, receiver)

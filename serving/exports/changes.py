"""Compare the published lists with the ledger of what a receiver was sent."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import duckdb

from serving.exports.lists import Change, WorkList
from serving.exports.sent_ledger import Noted, SentLedger


@dataclass(frozen=True)
class PublishedLists:
    as_of_date: date
    is_day_asked_for: bool
    rows: dict[str, dict[str, dict[str, Any]]]
    withheld: int


def read_lists(connection: duckdb.DuckDBPyConnection, lists: Sequence[WorkList]) -> PublishedLists:
    """Read the lists from the published file."""
    info = connection.execute("from publish_info")
    fields = dict(zip([column[0] for column in info.description or ()], info.fetchall()[0], strict=True))
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    withheld = 0
    for each in lists:
        rows[each.name] = {}
        for *values, is_do_not_contact in connection.execute(each.sql).fetchall():
            if is_do_not_contact:
                withheld += 1
                continue
            row = dict(zip(each.columns, map(_plain, values), strict=True))
            rows[each.name][json.dumps([row[name] for name in each.key])] = row
    # Files published by earlier versions lack this column.
    return PublishedLists(fields["as_of_date"], fields.get("is_day_asked_for", False), rows, withheld)


def changes_since(ledger: SentLedger, published: PublishedLists, lists: Sequence[WorkList]) -> list[Change]:
    """Changes the receiver does not have yet: removals first, then all lists interleaved by rank."""
    ranked = [
        (change.kind != "removed", rank, change)
        for each in lists
        for rank, change in enumerate(
            _changes_of(each, ledger.items(each.name), published.rows[each.name], published.as_of_date)
        )
    ]
    # Nobody should contact those who left; interleaved, a long list does not use up a run's limit.
    return [change for *_, change in sorted(ranked, key=lambda each: each[:2])]


def _changes_of(
    work_list: WorkList, known: Mapping[str, Noted], rows: Mapping[str, dict[str, Any]], as_of_date: date
) -> Iterator[Change]:
    for item in [*(item for item in known if item not in rows), *rows]:
        last, row = known.get(item), rows.get(item)
        fingerprint = _digest([row[name] for name in work_list.news]) if row else None
        if last and last.fingerprint == fingerprint:
            if last.unconfirmed:
                # Resend the identical message: a receiver may refuse a different one under a known idempotency key.
                yield Change(**json.loads(last.unconfirmed))
            continue
        yield Change(
            list_name=work_list.name,
            item=item,
            kind=_kind(last, row),
            key=dict(zip(work_list.key, json.loads(item), strict=True)),
            values={name: row[name] for name in (*work_list.news, *work_list.figures)} if row else {},
            as_of_date=as_of_date.isoformat(),
            fingerprint=fingerprint,
            # The previous key is part of the key: an item that changes and changes back is two changes.
            idempotency_key=_digest([work_list.name, item, fingerprint, last.idempotency_key if last else None])[:32],
        )


def _kind(last: Noted | None, row: Mapping[str, Any] | None) -> str:
    if row is None:
        # Also after an unconfirmed `added`, which may have arrived.
        return "removed"
    # A receiver that refused the item does not know it, and one that has it accepts `added` again.
    is_add_unconfirmed = last and last.unconfirmed and json.loads(last.unconfirmed)["kind"] == "added"
    return "changed" if last and last.fingerprint and not is_add_unconfirmed else "added"


def _digest(values: list[Any]) -> str:
    return sha256(json.dumps(values).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Dates as ISO 8601, decimals as strings so that no precision is lost."""
    return value if value is None or isinstance(value, str | int | bool) else str(value)

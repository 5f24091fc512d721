"""What has changed since a receiver was last told: the published lists beside the ledger."""

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
    """Rows of every list in one publish, by list and item, without customers that may not be written to."""

    as_of_date: date
    is_day_asked_for: bool
    rows: dict[str, dict[str, dict[str, Any]]]
    kept_back: int


def read_lists(connection: duckdb.DuckDBPyConnection, lists: Sequence[WorkList]) -> PublishedLists:
    """The lists as a connection to the published file shows them."""
    info = connection.execute("from publish_info")
    said = dict(zip([column[0] for column in info.description or ()], info.fetchall()[0], strict=True))
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    kept_back = 0
    for each in lists:
        rows[each.name] = {}
        for *values, is_do_not_contact in connection.execute(each.sql).fetchall():
            if is_do_not_contact:
                kept_back += 1
                continue
            row = dict(zip(each.columns, map(_plain, values), strict=True))
            rows[each.name][json.dumps([row[name] for name in each.key])] = row
    # A file of an earlier version does not say how its day was found.
    return PublishedLists(said["as_of_date"], said.get("is_day_asked_for", False), rows, kept_back)


def changes_since(ledger: SentLedger, published: PublishedLists, lists: Sequence[WorkList]) -> list[Change]:
    """What the receiver does not have yet: what left a list first, then the lists side by side, each from its top."""
    ranked = [
        (change.kind != "removed", rank, change)
        for each in lists
        for rank, change in enumerate(
            _changes_of(each, ledger.items(each.name), published.rows[each.name], published.as_of_date)
        )
    ]
    # Nobody should write to those who left, and the limit of a run should not keep a short list behind a long one.
    return [change for *_, change in sorted(ranked, key=lambda each: each[:2])]


def _changes_of(
    work_list: WorkList, known: Mapping[str, Noted], rows: Mapping[str, dict[str, Any]], as_of_date: date
) -> Iterator[Change]:
    for item in [*(item for item in known if item not in rows), *rows]:
        last, row = known.get(item), rows.get(item)
        fingerprint = _digest([row[name] for name in work_list.news]) if row else None
        if last and last.fingerprint == fingerprint:
            if last.unconfirmed:
                # Word for word the same again: a receiver may refuse another message under a key that it knows.
                yield Change(**json.loads(last.unconfirmed))
            continue
        kind = "removed" if row is None else "changed" if last and last.fingerprint else "added"
        yield Change(
            list_name=work_list.name,
            item=item,
            kind=kind,
            key=dict(zip(work_list.key, json.loads(item), strict=True)),
            values={name: row[name] for name in (*work_list.news, *work_list.figures)} if row else {},
            as_of_date=as_of_date.isoformat(),
            fingerprint=fingerprint,
            # What went before is part of the key: an item that changes and changes back is two changes.
            idempotency_key=_digest([work_list.name, item, fingerprint, last.idempotency_key if last else None])[:32],
        )


def _digest(values: list[Any]) -> str:
    return sha256(json.dumps(values).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Dates in ISO 8601, and decimals as their digits, so that no cent is lost on the way."""
    return value if value is None or isinstance(value, str | int | bool) else str(value)

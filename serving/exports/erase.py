"""Erase a customer's data from exported files and from the ledger."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

from serving.exports.sent_ledger import CREATE
from settings import Settings
from warehouse.compaction import compact
from warehouse.connection import connect
from warehouse.lock import hold

# The item keeps its key, so that the receiver still gets its next change or removal. This fingerprint differs from
# every later one.
FORGOTTEN = "forgotten"
CLEAR = """
update sent set fingerprint = ?, unconfirmed = null
where lower(json_extract_string(item, '$[0]')) = ? and (fingerprint <> ? or unconfirmed is not null)
returning 1
"""


def forget_exported(settings: Settings, customer_id: str | None, erase: Callable[[str], str]) -> dict[str, int]:
    """Remove a customer (if given) and every text that `erase` removes; returns changed rows by place."""
    path = settings.export_ledger_path
    if not path.exists():
        return {}
    customer_id = customer_id.strip().lower() if customer_id is not None else None
    with hold(path, "deletion of a customer"):
        shutil.rmtree(path.with_name("dlt"), ignore_errors=True)
        rows = {"exports/": sum(_rewrite(file, customer_id, erase) for file in settings.exports_dir.rglob("*.csv*"))}
        with connect(path) as ledger:
            ledger.execute(CREATE)
            cleared = ledger.execute(CLEAR, [FORGOTTEN, customer_id, FORGOTTEN]).fetchall()
            waiting = ledger.execute("select rowid, unconfirmed from sent where unconfirmed is not null").fetchall()
            erased = [(after, row) for row, before in waiting if (after := erase(before)) != before]
            for each in erased:
                ledger.execute("update sent set unconfirmed = ? where rowid = ?", each)
            rows["state/exports/sent.duckdb"] = len(cleared) + len(erased)
        compact(path, least_unused_share=0)
    return rows


def _rewrite(path: Path, customer_id: str | None, erase: Callable[[str], str]) -> int:
    """Drop a customer's rows and apply `erase` to the others; returns how many rows were dropped or changed."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    kept = [row for row in rows if row[header.index("customer_id")].lower() != customer_id]
    erased = [[erase(cell) for cell in row] for row in kept]
    if erased != rows:
        building = path.with_name(f".{path.name}")
        with building.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows([header, *erased])
        building.replace(path)
    return len(rows) - len(kept) + sum(before != after for before, after in zip(kept, erased, strict=True))

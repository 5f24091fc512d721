"""A customer who asked to be deleted, out of what was exported: the files that lie here, and the ledger's words."""

import csv
import shutil
from pathlib import Path

from common.compaction import compact
from common.settings import Settings
from common.warehouse import connect, hold
from serving.exports.ledger import CREATE

# An item keeps its key, which begins with the customer's, so that the receiver is told of its next change, or that it
# has left the list. What was sent of it does not stay, and differs from whatever comes next.
FORGOTTEN = "forgotten"
CLEAR = """
update sent set fingerprint = ?, unconfirmed = null
where json_extract_string(item, '$[0]') = ? and (fingerprint <> ? or unconfirmed is not null)
returning 1
"""


def forget_customer(settings: Settings, customer_id: str) -> dict[str, int]:
    """Take a customer out of the CSV files and the ledger; by place, how many rows."""
    path = settings.export_ledger_path
    if not path.exists():
        return {}
    with hold(path, "deletion of a customer"):
        shutil.rmtree(path.with_name("dlt"), ignore_errors=True)
        rows = {"exports/": sum(_without(file, customer_id) for file in settings.exports_dir.rglob("*.csv*"))}
        with connect(path) as ledger:
            ledger.execute(CREATE)
            rows["state/exports/sent.duckdb"] = len(
                ledger.execute(CLEAR, [FORGOTTEN, customer_id, FORGOTTEN]).fetchall()
            )
        compact(path, least_unused_share=0)
    return rows


def _without(path: Path, customer_id: str) -> int:
    """Write a file again without the rows of a customer; how many there were."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    kept = [row for row in rows if row[header.index("customer_id")] != customer_id]
    if len(kept) < len(rows):
        building = path.with_name(f".{path.name}")
        with building.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows([header, *kept])
        building.replace(path)
    return len(rows) - len(kept)

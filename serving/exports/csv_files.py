"""The default receiver: one CSV file per list and send, in the data folder."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.exports.lists import Change, WorkList
from serving.exports.sent_ledger import SentLedger

RECEIVER = "csv"
# Spreadsheets run such cells as formulas. With a semicolon or tab as list separator they also split cells there and at
# line ends.
STARTS_A_FORMULA = re.compile(r"""(^|[;\t\r\n])([ \xa0"']*)(?=[=+\-@＝＋－＠])""")  # noqa: RUF001
PART = ".part"
NUMBERED = "[0-9]" * 6 + "_*.csv"


class CsvFiles:
    """Writes changes to files that become visible, complete, once the ledger has recorded them."""

    batch_size = 100_000

    def __init__(self, folder: Path, ledger: SentLedger, lists: Sequence[WorkList]) -> None:
        self._folder = folder
        self._ledger = ledger
        self._lists = {each.name: each for each in lists}
        self.refused: list[str] = []
        self._show_recorded()

    def receive(self, changes: Sequence[Change]) -> None:
        """Write the changes, record them, then make the files visible."""
        by_list: dict[str, list[Change]] = {}
        for change in changes:
            by_list.setdefault(change.list_name, []).append(change)
        # Count recorded files too: a file that was moved away keeps its number.
        files = {*self._ledger.files(), *map(str, self._folder.rglob(NUMBERED))}
        number = 1 + max((int(Path(file).name[:6]) for file in files), default=0)
        names = {name: f"{name}/{number:06}_{changes[0].as_of_date}.csv" for name in by_list}
        for name, of_list in by_list.items():
            self._write(self._folder / (names[name] + PART), self._lists[name], of_list)
        self._ledger.confirm(changes, [names[change.list_name] for change in changes])
        self._show_recorded()

    def _show_recorded(self) -> None:
        """Make recorded part files visible and delete those of interrupted sends."""
        recorded = self._ledger.files()
        for part in self._folder.rglob(f"*{PART}"):
            path = part.with_suffix("")
            if str(path.relative_to(self._folder)) in recorded:
                part.replace(path)
            else:
                part.unlink()

    def _write(self, path: Path, work_list: WorkList, changes: Sequence[Change]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # With a byte order mark: spreadsheets need it to recognise UTF-8.
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, ["change", *work_list.columns, "as_of_date", "idempotency_key"])
            writer.writeheader()
            writer.writerows(_row(change) for change in changes)
            file.flush()
            os.fsync(file.fileno())


def _row(change: Change) -> dict[str, Any]:
    cells = {name: without_formulas(value) for name, value in {**change.key, **change.values}.items()}
    return {
        **cells,
        "change": change.kind,
        "as_of_date": change.as_of_date,
        "idempotency_key": change.idempotency_key,
    }


def without_formulas(value: Any) -> Any:
    """Escape text that a spreadsheet would run as a formula; numbers stay as they are."""
    if not isinstance(value, str) or _is_number(value):
        return value
    text = STARTS_A_FORMULA.sub(r"\1'\2", value)
    return "'" + text if text.startswith(("\t", "\r", "\n")) else text


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()

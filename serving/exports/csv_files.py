"""The receiver that is there by default: a CSV file a list and send, in the data folder."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.exports.lists import Change, WorkList
from serving.exports.sent_ledger import SentLedger

RECEIVER = "csv"
# A spreadsheet takes text that begins so for a formula, and runs it. Where a list separator is a semicolon or a tab, it
# cuts a cell there, or at the end of a line, and takes the rest for a cell of its own.
STARTS_A_FORMULA = re.compile(r"""(^|[;\t\r\n])([ \xa0"']*)(?=[=+\-@＝＋－＠])""")  # noqa: RUF001
PART = ".part"
NUMBERED = "[0-9]" * 6 + "_*.csv"


class CsvFiles:
    """Writes changes to files that appear whole, once the ledger has them."""

    batch_size = 100_000

    def __init__(self, folder: Path, ledger: SentLedger, lists: Sequence[WorkList]) -> None:
        self._folder = folder
        self._ledger = ledger
        self._lists = {each.name: each for each in lists}
        self.refused: list[str] = []
        self._show_noted()

    def receive(self, changes: Sequence[Change]) -> None:
        """Write the changes, note them, and let the files appear."""
        by_list: dict[str, list[Change]] = {}
        for change in changes:
            by_list.setdefault(change.list_name, []).append(change)
        # A file that somebody has moved away keeps its number.
        files = {*self._ledger.files(), *map(str, self._folder.rglob(NUMBERED))}
        number = 1 + max((int(Path(file).name[:6]) for file in files), default=0)
        names = {name: f"{name}/{number:06}_{changes[0].as_of_date}.csv" for name in by_list}
        for name, of_list in by_list.items():
            self._write(self._folder / (names[name] + PART), self._lists[name], of_list)
        self._ledger.confirm(changes, [names[change.list_name] for change in changes])
        self._show_noted()

    def _show_noted(self) -> None:
        """Of files that are not shown yet, show those that the ledger has; others are of a send that came to no end."""
        noted = self._ledger.files()
        for part in self._folder.rglob(f"*{PART}"):
            path = part.with_suffix("")
            if str(path.relative_to(self._folder)) in noted:
                part.replace(path)
            else:
                part.unlink()

    def _write(self, path: Path, work_list: WorkList, changes: Sequence[Change]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # With the mark of UTF-8, without which spreadsheets read names as another encoding.
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, ["change", *work_list.columns, "as_of_date", "idempotency_key"])
            writer.writeheader()
            writer.writerows(_row(change) for change in changes)
            file.flush()
            os.fsync(file.fileno())


def _row(change: Change) -> dict[str, Any]:
    cells = {name: harmless(value) for name, value in {**change.key, **change.values}.items()}
    return {
        **cells,
        "change": change.kind,
        "as_of_date": change.as_of_date,
        "idempotency_key": change.idempotency_key,
    }


def harmless(value: Any) -> Any:
    """Text of which no spreadsheet takes a part for a formula; a number stays one."""
    if not isinstance(value, str) or _is_number(value):
        return value
    text = STARTS_A_FORMULA.sub(r"\1'\2", value)
    return "'" + text if text.startswith(("\t", "\r", "\n")) else text


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()

"""Land usage reports by a window: those received since the last landing, less two days, that are not landed yet.

A note beside the landed files says up to when reports are landed. It is written last, so that an interrupted landing is
made up for. Once a week the reports of every day are counted at the source and in the landed files; a day that is short
is landed again, and said.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from connectors.csv_lines import header_of, read_rows, split_row
from connectors.index import rows_in_layout
from connectors.landing import LandingRoot
from connectors.layout import Layout
from connectors.report import TableLanding
from connectors.stamps import instant_of, text_of
from ingestion.contract.model import FIRST_DATE, LAST_DATE

NOTE = "_window.json"
# A report may be committed after later ones were landed.
OVERLAP = timedelta(days=2)
COUNT_EVERY = timedelta(days=7)
DAY = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Window:
    """Up to when reports are landed, and when they were last counted; None before the first landing."""

    received_at: datetime | None = None
    counted_at: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """From when on reports are read."""
        return self.received_at and self.received_at - OVERLAP

    def is_to_be_counted(self, now: datetime) -> bool:
        return self.counted_at is not None and now - self.counted_at >= COUNT_EVERY


def read_window(root: LandingRoot, layout: Layout) -> Window:
    """The note of earlier landings. Without one, or for a new column, all reports are read and compared."""
    text = root.read_note(f"{layout.table.path}/{NOTE}")
    if text is None:
        return Window()
    note = json.loads(text)
    if not set(layout.columns) <= set(note.get("columns", layout.columns)):
        return Window()
    return Window(*(datetime.fromisoformat(note[key]) for key in ("received_at", "counted_at")))


def write_window(root: LandingRoot, layout: Layout, window: Window) -> None:
    """Say up to when reports are landed."""
    assert window.received_at is not None
    assert window.counted_at is not None
    note = {
        "received_at": text_of(window.received_at).decode(),
        "counted_at": text_of(window.counted_at).decode(),
        "columns": layout.columns,
    }
    root.put_note(f"{layout.table.path}/{NOTE}", json.dumps(note))


@dataclass(frozen=True)
class LandedReports:
    """What was landed, and the newest `received_at` of what was read, up to the snapshot's instant."""

    landing: TableLanding
    received_at: datetime | None


def land_reports(root: LandingRoot, layout: Layout, csv_file: Path, taken_at: datetime) -> LandedReports:
    """Land the reports of a CSV file, which is in the order of its days, that are not landed yet: a file a day."""
    table = layout.table
    name = root.next_name(table.source, table.name)
    landed = files_by_day(root, layout)
    received_place = layout.given.index(str(table.stamp))
    seen = new = files = without_day = 0
    received_at: datetime | None = None
    with csv_file.open("rb") as opened:
        rows = read_rows(opened)
        next(rows, None)
        for day, of_day in groupby(rows, key=lambda row: row.partition(b",")[0]):
            reports = list(of_day)
            seen += len(reports)
            if not _is_day(day):
                without_day += len(reports)
                continue
            stamps = (instant_of(split_row(report)[received_place]) for report in reports)
            received_at = max([*filter(None, (received_at, *(s for s in stamps if s and s <= taken_at)))], default=None)
            folder = f"date={day.decode()}"
            missing = _missing(root, layout, reports, landed.get(folder, ()))
            if missing or (not landed and not files):
                root.put_file(_written(missing, layout, csv_file.parent), f"{table.path}/{folder}/{name}")
                new, files = new + len(missing), files + 1
    warnings = []
    if without_day:
        warnings.append(
            f"{table.source}.{table.name}: {without_day:,} reports have no day from {FIRST_DATE} to {LAST_DATE}, and "
            "are not landed: correct their date at the source"
        )
    landing = TableLanding(f"{table.source}.{table.name}", seen, new, files=files, warnings=tuple(warnings))
    return LandedReports(landing, received_at)


def days_that_are_short(root: LandingRoot, layout: Layout, reports_by_day: dict[str, int]) -> dict[str, int]:
    """The days of which fewer reports are landed than the source has, with how many are missing."""
    landed = files_by_day(root, layout)
    first, received = layout.given.index("organization_id"), layout.given.index(str(layout.table.stamp))
    short = {}
    # Others are not landed, which a warning says.
    for day, reports in ((day, reports) for day, reports in reports_by_day.items() if _is_day(day.encode())):
        rows = (split_row(row) for row in _landed_rows(root, layout, landed.get(f"date={day}", ())))
        missing = reports - len({(row[first], row[received]) for row in rows})
        if missing > 0:
            short[day] = missing
    return short


def files_by_day(root: LandingRoot, layout: Layout) -> dict[str, list[str]]:
    """The landed files by their folder, such as `date=2026-11-29`."""
    files: dict[str, list[str]] = {}
    for path in root.table_files(layout.table.source, layout.table.name):
        files.setdefault(path.split("/")[-2], []).append(path)
    return files


def _missing(root: LandingRoot, layout: Layout, reports: Sequence[bytes], files: Iterable[str]) -> list[bytes]:
    landed = set(_landed_rows(root, layout, files))
    return [report for report in dict.fromkeys(reports) if report not in landed]


def _landed_rows(root: LandingRoot, layout: Layout, files: Iterable[str]) -> Iterator[bytes]:
    for path in files:
        with gzip.GzipFile(root.fetch([path])[0]) as file:
            yield from rows_in_layout(file, layout)


def _written(reports: Sequence[bytes], layout: Layout, folder: Path) -> Path:
    path = folder / f"{layout.table.raw_name}.landing.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(row + b"\n" for row in (header_of(layout.columns), *reports))
    return path


def _is_day(text: bytes) -> bool:
    try:
        return DAY.fullmatch(text) is not None and FIRST_DATE <= date.fromisoformat(text.decode()) <= LAST_DATE
    except ValueError:
        return False

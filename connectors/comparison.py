"""Land what changed: a source's rows at one instant, compared with the newest row of each key that was landed.

Both are in the order of the keys, so that one pass finds new, changed and removed rows in constant memory. A row lands
as the source gives it, with a stamp that is later than all earlier ones of its key (`connectors/layout.py`).
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from connectors.csv_lines import header_of, read_rows, split_row, value_of
from connectors.index import Index
from connectors.landing import LandingRoot
from connectors.layout import Key, Layout
from connectors.report import LandingError, TableLanding
from connectors.stamps import instant_of, text_of
from ingestion.contract.model import Table

# A few keys may always go. The load accepts as many of any table.
FEW_LOST = 10
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Snapshot:
    """The rows of a table at one instant: a CSV file in a layout, in the order of the keys.

    `system` is named in messages.
    """

    system: str
    layout: Layout
    path: Path
    taken_at: datetime

    @property
    def name(self) -> str:
        """The table as the contract names it."""
        return f"{self.layout.table.source}.{self.layout.table.name}"


@dataclass
class _Counts:
    seen: int = 0
    without_key: int = 0
    known: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0


@dataclass
class _Comparison:
    snapshot: Snapshot
    counts: _Counts = field(default_factory=_Counts)

    def landed_rows(self, rows: Iterator[bytes], known: Iterator[bytes]) -> Iterator[bytes]:
        """The rows to land. Raises `LandingError` if a key comes twice."""
        counts, layout = self.counts, self.snapshot.layout
        for row, line in self._differing(rows, known):
            if row is None:
                assert line is not None
                if not layout.can_remove:
                    counts.removed += 1
                elif not _removed(line):
                    counts.removed += 1
                    yield self._removal(line)
            else:
                counts.new += line is None
                counts.changed += line is not None
                yield self._version(row, line)

    def _differing(self, rows: Iterator[bytes], known: Iterator[bytes]) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Rows of the source beside the landed ones of the same key, where they differ or one is missing."""
        counts, layout = self.counts, self.snapshot.layout
        before: bytes | None = None
        last: Key | None = None
        row, line = next(rows, None), next(known, None)
        while row is not None or line is not None:
            # Nearly every row is as it was, so nothing more is done for it.
            removed = layout.removed(row) if row is not None and layout.has_removed else b""
            if row is not None and line is not None and self._is_same(row, removed, line):
                counts.seen += 1
                counts.known += not removed
                before, last, row, line = row, None, next(rows, None), next(known, None)
                continue
            key = None if row is None else layout.key(row)
            if row is not None and key is None:
                counts.seen += 1
                counts.without_key += 1
                row = next(rows, None)
                continue
            order = _order(key, None if line is None else layout.key(line))
            if key is not None and order <= 0:
                counts.seen += 1
                last = layout.key(before) if before is not None and last is None else last
                if last is not None and last >= key:
                    raise self._disorder(key, is_twice=last == key)
                yield row, line if order == 0 else None
                before, last, row = row, key, next(rows, None)
            else:
                yield None, line
            if order >= 0:
                counts.known += not (layout.has_versions and _removed(line or b""))
                line = next(known, None)

    def _is_same(self, row: bytes, removed: bytes, line: bytes) -> bool:
        if not self.snapshot.layout.has_versions:
            return row == line
        return line.startswith(row + b"," + removed + b",")

    def _disorder(self, key: Key, *, is_twice: bool) -> LandingError:
        named = zip(self.snapshot.layout.table.key, key, strict=True)
        shown = ", ".join(f"{name} {part.decode()!r}" for name, part in named)
        if is_twice:
            return LandingError(
                f"{self.snapshot.system}: {self.snapshot.name} has {shown} twice, so nothing of this table is landed: "
                "correct the select or the mapping, so that each key comes once"
            )
        return LandingError(
            f"{self.snapshot.system}: the rows of {self.snapshot.name} are not in the order of their keys at {shown}, "
            "so nothing of this table is landed: give the key an ASCII text"
        )

    def _version(self, row: bytes, line: bytes | None) -> bytes:
        layout = self.snapshot.layout
        if not layout.has_versions:
            return row
        own, last = layout.stamp(row), None if line is None else instant_of(_stamp(line))
        # What cannot be read as a stamp lands as it is, and the load sets it aside by name.
        if not own or (last is not None and (instant := instant_of(own)) is not None and instant <= last):
            own = self._instant_after(last)
        return row + b"," + layout.removed(row) + b"," + own

    def _removal(self, line: bytes) -> bytes:
        """The last row once more, from now on removed."""
        row = line.rsplit(b",", 2)[0]
        return row + b"," + text_of(self.snapshot.taken_at) + b"," + self._instant_after(instant_of(_stamp(line)))

    def _instant_after(self, last: datetime | None) -> bytes:
        """The snapshot's instant, or just after the last stamp of the key if that is later."""
        taken_at = self.snapshot.taken_at
        return text_of(taken_at if last is None or last < taken_at else last + MICROSECOND)


def land_snapshot(root: LandingRoot, snapshot: Snapshot, state: Path, max_lost_share: float) -> TableLanding:
    """Land the rows that differ from what was landed: one file, or none if nothing changed.

    `state` is the folder for the index. The caller holds the root. Raises `LandingError`; nothing is landed then.
    """
    table, layout = snapshot.layout.table, snapshot.layout
    files, index = root.table_files(table.source, table.name), Index(layout, state)
    if files and not index.is_of(files):
        index.rebuild(root, files)
    written, packed = state / f"{table.raw_name}.landing.csv", state / f"{table.raw_name}.landing.csv.gz"
    state.mkdir(parents=True, exist_ok=True)
    comparison = _Comparison(snapshot)
    with snapshot.path.open("rb") as rows_file:
        rows = read_rows(rows_file)
        next(rows, None)
        rows_landed = _write(comparison.landed_rows(rows, index.rows() if files else iter(())), layout, written)
    _refuse_loss(snapshot, comparison.counts, max_lost_share)
    if rows_landed or not files:
        _pack(written, packed)
        path = f"{table.path}/{root.next_name(table.source, table.name)}"
        root.put_file(packed, path)
        index.add(written, [*files, path])
    for temporary in (written, packed):
        temporary.unlink(missing_ok=True)
    return _landing(snapshot, comparison.counts, files=int(bool(rows_landed) or not files))


def write_snapshot(system: str, table: Table, csv_file: Path, state: Path, taken_at: datetime) -> Snapshot:
    """A snapshot from a CSV file with any order of rows and columns, for sources whose rows fit into memory."""
    with csv_file.open("rb") as file:
        rows = read_rows(file)
        names = [value_of(name) or "" for name in split_row(next(rows, b""))]
        layout = Layout.of(table, names)
        places = [names.index(layout.column_of(column)) for column in layout.given]
        ordered = []
        for row in rows:
            fields = split_row(row)
            ordered.append(b",".join(fields[place] for place in places))
    ordered.sort(key=lambda row: layout.key(row) or ())
    state.mkdir(parents=True, exist_ok=True)
    path = state / f"{table.raw_name}.snapshot.csv"
    with path.open("wb") as file:
        file.writelines(row + b"\n" for row in (header_of(layout.given), *ordered))
    return Snapshot(system, layout, path, taken_at)


def _landing(snapshot: Snapshot, counts: _Counts, files: int) -> TableLanding:
    warnings = []
    if counts.without_key:
        key = " and ".join(snapshot.layout.table.key)
        warnings.append(
            f"{snapshot.name}: {counts.without_key:,} {_rows(counts.without_key)} without {key}, not landed: every row "
            "needs a key"
        )
    if counts.removed and not snapshot.layout.can_remove:
        warnings.append(
            f"{snapshot.name}: {counts.removed:,} landed {_rows(counts.removed)} no longer there at the source, and "
            "kept: this table cannot say that a row was removed"
        )
    return TableLanding(
        snapshot.name,
        rows_seen=counts.seen,
        rows_new=counts.new,
        rows_changed=counts.changed,
        rows_removed=counts.removed if snapshot.layout.can_remove else 0,
        files=files,
        warnings=tuple(warnings),
    )


def _rows(count: int) -> str:
    return "row is" if count == 1 else "rows are"


def _refuse_loss(snapshot: Snapshot, counts: _Counts, max_lost_share: float) -> None:
    """Raise `LandingError` if so many keys are gone that the source, not the rows, is what has gone.

    Rows that cannot be removed are kept, and would be counted with every landing: of those only a source without any
    row is refused.
    """
    is_empty = counts.seen == 0 and counts.known > 0 and max_lost_share < 1
    are_many = counts.removed > max(FEW_LOST, max_lost_share * counts.known)
    if is_empty or (are_many and snapshot.layout.can_remove):
        raise LandingError(
            f"{snapshot.system}: {counts.removed:,} of the {counts.known:,} landed rows of {snapshot.name} are no "
            f"longer there (the limit is {max_lost_share:.0%} or {FEW_LOST} rows, but never all), so nothing of this "
            "table is landed: correct the select, or raise GROWTH_MAX_LOST_SHARE for one landing"
        )


def _write(rows: Iterator[bytes], layout: Layout, path: Path) -> int:
    """Write a landed file as plain text; the number of its rows."""
    count = 0
    with path.open("wb", buffering=1024 * 1024) as file:
        file.write(header_of(layout.columns) + b"\n")
        for row in rows:
            file.write(row + b"\n")
            count += 1
    return count


def _pack(plain: Path, packed: Path) -> None:
    # The quickest level: these files are read more often than they are kept for long.
    with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as target:
        while block := source.read(1024 * 1024):
            target.write(block)


def _order(key: Key | None, other: Key | None) -> int:
    """Negative if the first key comes first, 0 if they are equal; None comes last."""
    if key is None or other is None:
        return (key is None) - (other is None)
    return (key > other) - (key < other)


def _removed(line: bytes) -> bytes:
    return line.rsplit(b",", 2)[1]


def _stamp(line: bytes) -> bytes:
    return line.rpartition(b",")[2]

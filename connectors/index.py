"""The index of what was landed of a table: the newest row of each key, in the order of the keys.

It is a cache, made of the landed files and made again if it does not say that it covers all of them. Its first line
names the files that it covers, the others are a landed file: so one pass over it and the source's rows compares them.
"""

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from hashlib import sha256
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from connectors.csv_lines import BLOCK_BYTES, Readable, header_of, read_rows, split_row, value_of
from connectors.landing import LandingRoot
from connectors.layout import Key, Layout

# Files that are open at a time when an index is made of many.
FILES_AT_ONCE = 64


class Index:
    """The index of a table in a folder for caches."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self._layout = layout
        self._path = folder / f"{layout.table.raw_name}.index.csv"

    def is_of(self, files: Sequence[str]) -> bool:
        """Whether it covers exactly these landed files."""
        try:
            with self._path.open("rb") as index:
                return bool(json.loads(index.readline())["files"] == _names(files))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def rows(self) -> Iterator[bytes]:
        """The newest row of each key, in the present layout."""
        with self._path.open("rb") as index:
            index.readline()
            yield from rows_in_layout(index, self._layout)

    def rebuild(self, root: LandingRoot, files: Sequence[str]) -> None:
        """Make it of the landed files."""
        self._path.unlink(missing_ok=True)
        for start in range(0, len(files), FILES_AT_ONCE):
            covered = files[: start + FILES_AT_ONCE]
            landed = root.fetch(files[start : start + FILES_AT_ONCE])
            self._fold([*([self._path] if self._path.exists() else []), *landed], covered)

    def add(self, landed: Path, files: Sequence[str]) -> None:
        """Take in a landed file; `files` are all that it then covers."""
        self._fold([*([self._path] if len(files) > 1 else []), landed], files)

    def _fold(self, parts: Sequence[Path], files: Sequence[str]) -> None:
        """Write the newest row of each key; of equal keys the later part has it."""
        written = self._path.with_suffix(".writing")
        written.parent.mkdir(parents=True, exist_ok=True)
        with written.open("wb") as index:
            index.write(json.dumps({"files": _names(files)}).encode() + b"\n")
            if len(parts) == 1 and parts[0].suffix == ".csv":
                # The first landing is its own index.
                with parts[0].open("rb") as first:
                    shutil.copyfileobj(first, index, BLOCK_BYTES)
            else:
                with ExitStack() as stack:
                    streams = [self._rows_of(stack, part) for part in parts]
                    index.write(header_of(self._layout.columns) + b"\n")
                    index.writelines(row + b"\n" for row in _newest(streams, self._layout))
        written.replace(self._path)

    def _rows_of(self, stack: ExitStack, path: Path) -> Iterator[bytes]:
        if path.suffix == ".gz":
            return rows_in_layout(stack.enter_context(gzip.GzipFile(path)), self._layout)
        file = stack.enter_context(path.open("rb"))
        if path == self._path:
            file.readline()
        return rows_in_layout(file, self._layout)


def _names(files: Sequence[str]) -> str:
    return sha256("\n".join(files).encode()).hexdigest()


def _newest(streams: Sequence[Iterator[bytes]], layout: Layout) -> Iterator[bytes]:
    if len(streams) == 1:
        yield from streams[0]
        return
    keyed = [_with_keys(stream, layout, number) for number, stream in enumerate(streams)]
    for _, same in groupby(merge(*keyed), key=itemgetter(0)):
        *_, (_, _, newest) = same
        yield newest


def _with_keys(rows: Iterable[bytes], layout: Layout, number: int) -> Iterator[tuple[Key, int, bytes]]:
    for row in rows:
        if (key := layout.key(row)) is not None:
            yield key, number, row


def rows_in_layout(file: Readable, layout: Layout) -> Iterator[bytes]:
    """The rows of a landed file. One of an earlier layout gets the present columns: new ones are null."""
    rows = read_rows(file)
    header = next(rows, None)
    if header is None:
        return
    names = [value_of(field) for field in split_row(header)]
    if names == list(layout.columns):
        yield from rows
        return
    places = [names.index(column) if column in names else None for column in layout.columns]
    for row in rows:
        fields = split_row(row)
        yield b",".join(b"" if place is None else fields[place] for place in places)

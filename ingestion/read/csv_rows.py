"""Read CSV files: the header, the well-formed rows, and the faults of all others.

Arrow reads well-formed files. Python reads a file with anything odd again, so that a bad row does not affect others.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import codecs
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import duckdb

from ingestion.errors import SourceError
from ingestion.read.files import SourceFile
from ingestion.read.streams import SHOWN_CHARACTERS, not_utf8, open_text
from warehouse.sql_text import literal

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 16 * 1024 * 1024
ROWS_AT_ONCE = 20_000
# Values may have line breaks; a quote open for longer than this is a mistake.
LONGEST_ROW_LINES = 1000
LONGEST_ROW_CHARACTERS = 16 * 1024 * 1024
QUOTED = r'"[^"]*(?:""[^"]*)*"'
ANY_FIELD = rf'(?:{QUOTED}|[^",\r\n][^,\r\n]*|)'
FIELD = re.compile(ANY_FIELD)
ROW = re.compile(rf"{ANY_FIELD}(?:,{ANY_FIELD})*")
OPEN_ROW = re.compile(rf'(?:{ANY_FIELD},)*"[^"]*(?:""[^"]*)*')
STILL_OPEN = re.compile(r'[^"]*(?:""[^"]*)*')
NOT_UTF8 = re.compile("[\udc80-\udcff]")
QUOTE = ord('"')
BESIDE_QUOTES = tuple(b',\r\n"')
BAD_QUOTE = (
    "the row has a quote that is never closed, or text after a closing quote: write the whole value in quotes, "
    "and each quote in it twice"
)
# First lines that are no header.
NO_HEADERS = {
    "sep=": "begins with the line {line!r}, which only Excel reads: take it out",
    "<": "is a web page or XML, as a server sends when it refuses a request: export it again",
    "{": "has JSON in its first line: give it the extension .jsonl, if it has one object a line",
}
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Ragged:
    """A row that does not have the header's columns, or cannot be split."""

    file: str
    position: int
    column: str | None
    reason: str
    text: str


def read_header(file: SourceFile, folder: Path) -> tuple[str, ...]:
    """The column names in the first line. Raises `SourceError`."""
    with open_text(file, folder) as stream:
        text, names = next(rows_of(stream), ("", None))
    if not text:
        raise SourceError(f"{file.path} has no header: its first line must name the columns, even if no row follows")
    if len(text) > LONGEST_ROW_CHARACTERS:
        raise SourceError(
            f"{file.path}: its first line is longer than {LONGEST_ROW_CHARACTERS:,} characters: is it CSV?"
        )
    for beginning, reason in NO_HEADERS.items():
        if text.lower().startswith(beginning):
            raise SourceError(f"{file.path} {reason.format(line=text[:50])}")
    if names is None:
        raise SourceError(f"{file.path}: its first line must name the columns, but it cannot be read: {BAD_QUOTE}")
    if NOT_UTF8.search(text):
        raise SourceError(f"{file.path}: in its first line {_not_utf8(text)}")
    separators = [name for mark, name in SEPARATORS.items() if len(names) == 1 and mark in str(names[0])]
    if separators:
        raise SourceError(f"{file.path}: the values are separated by {separators[0]}: export with commas")
    return tuple(name or "" for name in names)


def read_rows(
    connection: duckdb.DuckDBPyConnection, name: str, file: SourceFile, folder: Path, header: Sequence[str]
) -> list[Ragged]:
    """Insert a file's rows into a table of text columns; return the malformed rows."""
    import pyarrow as pa

    def insert(columns: Sequence[Any], positions: Sequence[int]) -> None:
        names = ["_row", *(f"column_{place}" for place in range(len(header)))]
        connection.register("batch", pa.table([pa.array(positions, pa.int64()), *columns], names=names))
        connection.execute(f"insert into {name} by name select {literal(file.path)} as _path, * from batch")
        connection.unregister("batch")

    with open_text(file, folder) as stream:
        taken = 0
        watched = _Watched(stream)
        for batch in _batches(watched, len(header)):
            insert(batch.columns, range(taken + 1, taken + batch.num_rows + 1))
            taken += batch.num_rows
    if not watched.is_odd:
        return []
    connection.execute(f"delete from {name} where _path = ?", [file.path])
    ragged: list[Ragged] = []
    with open_text(file, folder) as stream:
        for positions, rows in _good_rows(stream, file, header, ragged):
            insert([pa.array(values, pa.string()) for values in zip(*rows, strict=True)], positions)
    return ragged


# ------------------------------------------------------------------------------------------------ well-formed files


def _batches(stream: "_Watched", width: int) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    def refuse(_: Any) -> str:
        stream.is_odd = True
        return "skip"

    names = [f"column_{place}" for place in range(width)]
    try:
        reader = arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows_after_names=1
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if stream.is_odd:
                return
            yield batch
    except pa.ArrowInvalid:
        stream.is_odd = True


class _Watched(io.RawIOBase):
    """Notes whether the stream is UTF-8 with every quote where RFC 4180 allows one, and begins with its header."""

    def __init__(self, stream: "io.BufferedReader[Any]") -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        # The last byte is checked with the next block, which has its right neighbour.
        self._context = b"\n"
        self._is_inside = False
        # Arrow would take a blank line for the header, and the header for a row.
        self.is_odd = stream.peek(1)[:1] in (b"\r", b"\n")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = b"" if self.is_odd else self._stream.read(size)
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            self.is_odd = True
        self._look(block or b"\n")
        if not block and self._is_inside:
            self.is_odd = True
        return b"" if self.is_odd else block

    def _look(self, block: bytes) -> None:
        import numpy as np

        text = np.frombuffer(self._context + block, np.uint8)
        quotes = np.flatnonzero(text[1:-1] == QUOTE) + 1
        opening, closing = quotes[int(self._is_inside) :: 2], quotes[int(not self._is_inside) :: 2]
        neighbours = np.concatenate([text[opening - 1], text[closing + 1]])
        self.is_odd = self.is_odd or not np.isin(neighbours, BESIDE_QUOTES).all()
        self._is_inside ^= len(quotes) % 2 == 1
        self._context = text[-2:].tobytes()


# -------------------------------------------------------------------------------------------------- malformed files


def _good_rows(
    stream: IO[bytes], file: SourceFile, header: Sequence[str], ragged: list[Ragged]
) -> Iterator[tuple[list[int], list[list[str | None]]]]:
    """The well-formed rows in batches, with their positions; the others are added to `ragged`."""
    positions: list[int] = []
    rows: list[list[str | None]] = []
    for position, (text, values) in enumerate(rows_of(stream, len(header))):
        if position == 0:
            continue
        if fault := _fault(text, values, header):
            # Of a row that is too long only the beginning is kept.
            shown = text[:SHOWN_CHARACTERS] if len(text) > LONGEST_ROW_CHARACTERS else text
            shown = shown.encode(errors="surrogateescape").decode(errors="backslashreplace")
            ragged.append(Ragged(file.path, position, *fault, shown))
        elif values:
            positions.append(position)
            rows.append(values)
        if len(rows) == ROWS_AT_ONCE:
            yield positions, rows
            positions, rows = [], []
    if rows:
        yield positions, rows


def _fault(text: str, values: list[str | None] | None, header: Sequence[str]) -> tuple[str | None, str] | None:
    """What is wrong with a row: its column, if there is one, and a sentence."""
    if values is None and len(text) > LONGEST_ROW_CHARACTERS:
        return None, f"the row is longer than {LONGEST_ROW_CHARACTERS:,} characters: is a line end missing?"
    if values is None:
        return None, BAD_QUOTE
    if len(values) != len(header):
        return None, f"the row has {len(values)} values, but the header names {len(header)} columns"
    odd = next((name for name, value in zip(header, values, strict=True) if value and NOT_UTF8.search(value)), None)
    return None if odd is None else (odd.strip().lower(), _not_utf8(text))


def _not_utf8(text: str) -> str:
    """The sentence about a text in which lone surrogates mark invalid bytes."""
    return not_utf8(ord(NOT_UTF8.findall(text)[0]) - 0xDC00)


def rows_of(stream: IO[bytes], width: int | None = None) -> Iterator[tuple[str, list[str | None] | None]]:
    """Every non-blank row: its text, and its values, or None if its quotes are malformed.

    Parsing resumes on the next line. A row over several lines without `width` values is malformed too: a quote has
    swallowed rows. Invalid bytes are lone surrogates in the text.
    """
    text = _Lines(io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline=""))
    while line := text.next():
        row = line.rstrip("\r\n")
        if len(line) > LONGEST_ROW_CHARACTERS:
            yield line, None
        elif row and '"' not in row:
            yield row, [value or None for value in row.split(",")]
        elif row:
            lines = _to_closing_quote(line, text)
            whole = "".join(lines).rstrip("\r\n")
            values = _values(whole)
            if len(lines) > 1 and (values is None or len(values) != (width or len(values))):
                text.back(lines[1:])
                yield row, None
            else:
                yield whole, values
    text.source.detach()


class _Lines:
    """Lines that can be pushed back. A line over the limit is truncated to one character more."""

    def __init__(self, source: io.TextIOWrapper) -> None:
        self.source = source
        self._waiting: deque[str] = deque()

    def next(self) -> str:
        if self._waiting:
            return self._waiting.popleft()
        line = more = self.source.readline(LONGEST_ROW_CHARACTERS + 1)
        while len(more) > LONGEST_ROW_CHARACTERS and not more.endswith(("\r", "\n")):
            more = self.source.readline(LONGEST_ROW_CHARACTERS + 1)
        return line

    def back(self, lines: Sequence[str]) -> None:
        self._waiting.extendleft(reversed(lines))


def _to_closing_quote(line: str, text: _Lines) -> list[str]:
    """The line and those after it until its quote is closed, up to a limit."""
    lines, size = [line], len(line)
    is_open = OPEN_ROW.fullmatch(line)
    while is_open and len(lines) < LONGEST_ROW_LINES and size <= LONGEST_ROW_CHARACTERS and (more := text.next()):
        lines.append(more)
        size += len(more)
        is_open = STILL_OPEN.fullmatch(more) or OPEN_ROW.fullmatch("".join(lines))
    return lines


def _values(row: str) -> list[str | None] | None:
    if not ROW.fullmatch(row):
        return None
    values: list[str | None] = []
    end = -1
    while end < len(row) and (found := FIELD.match(row, end + 1)):
        end, field = found.end(), found.group()
        values.append(field[1:-1].replace('""', '"') if field.startswith('"') else field or None)
    return values

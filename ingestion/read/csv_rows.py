"""Rows of CSV files: the header, the rows that have its columns, and what is wrong with every other row.

Arrow reads a file of which every byte is as it should be. A file with anything odd in it is read again by Python, one
row at a time, so that an odd row is set aside and takes no other with it.
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

from ingestion.contract.raw_tables import literal
from ingestion.errors import SourceError
from ingestion.read.files import SourceFile
from ingestion.read.streams import SHOWN_CHARACTERS, not_utf8, open_text

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 16 * 1024 * 1024
ROWS_AT_ONCE = 20_000
# A value may have line breaks; a quote that is open for longer than this was never meant to be.
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
    "the row has a quote that is never closed, or something behind a closing quote: write the whole value in quotes, "
    "and each quote in it twice"
)
# How a first line begins that is no header.
NO_HEADERS = {
    "sep=": "begins with the line {line!r}, which only Excel reads: take it out",
    "<": "is a web page or XML, as a server sends when it refuses a request: export it again",
    "{": "has JSON in its first line: give it the extension .jsonl, if it has one object a line",
}
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Ragged:
    """A row that does not have the header's columns, or cannot be taken apart."""

    file: str
    position: int
    column: str | None
    reason: str
    text: str


def read_header(file: SourceFile, folder: Path) -> tuple[str, ...]:
    """The names in the first line. Raises `SourceError`."""
    with open_text(file, folder) as stream:
        text, names = next(_rows(stream), ("", None))
    if not text:
        raise SourceError(f"{file.path} has no header: its first line must name the columns, even if no row follows")
    if len(text) > LONGEST_ROW_CHARACTERS:
        raise SourceError(
            f"{file.path}: its first line is longer than {LONGEST_ROW_CHARACTERS:,} characters: is it CSV?"
        )
    for beginning, said in NO_HEADERS.items():
        if text.lower().startswith(beginning):
            raise SourceError(f"{file.path} {said.format(line=text[:50])}")
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
    """Insert the rows of a file into a table (_file, _row, and a column of text each); return the rows at fault."""
    import pyarrow as pa

    def insert(columns: Sequence[Any], positions: Sequence[int]) -> None:
        names = ["_row", *(f"column_{place}" for place in range(len(header)))]
        connection.register("batch", pa.table([pa.array(positions, pa.int64()), *columns], names=names))
        connection.execute(f"insert into {name} by name select {literal(file.path)} as _file, * from batch")
        connection.unregister("batch")

    with open_text(file, folder) as stream:
        taken = 0
        watched = _Watched(stream)
        for batch in _batches(watched, len(header)):
            insert(batch.columns, range(taken + 1, taken + batch.num_rows + 1))
            taken += batch.num_rows
    if not watched.is_odd:
        return []
    connection.execute(f"delete from {name} where _file = ?", [file.path])
    ragged: list[Ragged] = []
    with open_text(file, folder) as stream:
        for positions, rows in _good_rows(stream, file, header, ragged):
            insert([pa.array(values, pa.string()) for values in zip(*rows, strict=True)], positions)
    return ragged


# --------------------------------------------------------------------------------------------- files as they should be


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
    """A stream that notes whether what passes through it is UTF-8 with every quote where RFC 4180 has one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        # The last byte that was given has not been looked at yet: what follows it was not known.
        self._context = b"\n"
        self._is_inside = False
        self.is_odd = False

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


# ------------------------------------------------------------------------------------ files with something odd in them


def _good_rows(
    stream: IO[bytes], file: SourceFile, header: Sequence[str], ragged: list[Ragged]
) -> Iterator[tuple[list[int], list[list[str | None]]]]:
    """The rows that have the header's columns, some at a time, with their positions; the others go into `ragged`."""
    positions: list[int] = []
    rows: list[list[str | None]] = []
    for position, (text, values) in enumerate(_rows(stream, len(header))):
        if position == 0:
            continue
        if fault := _fault(text, values, header):
            # Of a row that is too long the beginning has to do.
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
    """What is wrong with a row: its column, if it is one, and a sentence."""
    if values is None and len(text) > LONGEST_ROW_CHARACTERS:
        return None, f"the row is longer than {LONGEST_ROW_CHARACTERS:,} characters: is a line end missing?"
    if values is None:
        return None, BAD_QUOTE
    if len(values) != len(header):
        return None, f"the row has {len(values)} values, but the header names {len(header)} columns"
    odd = next((name for name, value in zip(header, values, strict=True) if value and NOT_UTF8.search(value)), None)
    return None if odd is None else (odd.strip().lower(), _not_utf8(text))


def _not_utf8(text: str) -> str:
    """What is wrong with a text in which some byte is a lone surrogate."""
    return not_utf8(ord(NOT_UTF8.findall(text)[0]) - 0xDC00)


def _rows(stream: IO[bytes], width: int | None = None) -> Iterator[tuple[str, list[str | None] | None]]:
    """Every row that is not blank: its text, and its values, or None if its quotes cannot be made out.

    What follows such a row begins on the next line; so does what follows a row of several lines that does not have
    `width` values, for then a quote has swallowed rows. Bytes that are not UTF-8 are lone surrogates in the text.
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
    """Lines of text, of which some may be given back. A line that is too long is cut, and shows it by its length."""

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
    """The line, and those after it up to where no quote is open any more, if that is not too far away."""
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

"""CSV as bytes: rows are compared and copied as they are written, so that no value changes on its way.

As PostgreSQL and the input contract do, an empty field is null and `""` is the empty text.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

FIELD = re.compile(rb'"[^"]*(?:""[^"]*)*"|[^,]*')
BLOCK_BYTES = 256 * 1024
NEEDS_QUOTES = re.compile(r'[",\r\n]')


class Readable(Protocol):
    """An open file of bytes."""

    def read(self, size: int, /) -> bytes: ...


def read_rows(file: Readable) -> Iterator[bytes]:
    """The rows of a CSV file, each without the line break at its end; values may have line breaks."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        rows, rest = _whole_rows(rest + block)
        yield from rows
    if rest:
        yield rest


def _whole_rows(text: bytes) -> tuple[list[bytes], bytes]:
    """The rows that end in a text, and what is left of it."""
    *lines, rest = text.split(b"\n")
    if b'"' not in text:
        return lines, rest
    rows: list[bytes] = []
    begun: bytes | None = None
    for line in lines:
        row = line if begun is None else begun + b"\n" + line
        # Quotes come in pairs, so an odd number says that a value goes on in the next line.
        if row.count(b'"') & 1:
            begun = row
        else:
            rows.append(row)
            begun = None
    return rows, rest if begun is None else begun + b"\n" + rest


def split_row(row: bytes) -> list[bytes]:
    """The fields of a row, as written."""
    if b'"' not in row:
        return row.split(b",")
    fields, start = [], 0
    while True:
        found = FIELD.match(row, start)
        assert found is not None
        fields.append(found.group())
        if found.end() >= len(row):
            return fields
        start = found.end() + 1
        if start == len(row):
            return [*fields, b""]


def bytes_of(field: bytes) -> bytes:
    """The value of a field that is not null, in UTF-8."""
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field


def value_of(field: bytes) -> str | None:
    """The value of a field; None is null."""
    return bytes_of(field).decode() if field else None


def field_of(value: str | None) -> bytes:
    """The field for a value, quoted where it must be."""
    if value is None:
        return b""
    if value == "" or NEEDS_QUOTES.search(value) or value != value.strip():
        return b'"' + value.replace('"', '""').encode() + b'"'
    return value.encode()


def header_of(columns: Sequence[str]) -> bytes:
    return b",".join(field_of(column) for column in columns)

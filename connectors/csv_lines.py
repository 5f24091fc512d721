"""CSV as bytes: rows are compared and copied as they are written, so that no value changes on its way.

As PostgreSQL and the input contract do, an empty field is null and `""` is the empty text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

FIELD = re.compile(rb'"[^"]*(?:""[^"]*)*"|[^,]*')
NEEDS_QUOTES = re.compile(r'[",\r\n]')


def read_rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The rows of a CSV file, each without the line break at its end; values may have line breaks."""
    begun = b""
    for line in lines:
        row = begun + line if begun else line
        # Quotes come in pairs, so an odd number says that a value goes on in the next line.
        if row.count(b'"') & 1:
            begun = row
        else:
            begun = b""
            yield row.removesuffix(b"\n").removesuffix(b"\r")
    if begun:
        yield begun


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


def value_of(field: bytes) -> str | None:
    """The value of a field; None is null."""
    if field.startswith(b'"'):
        return field[1:-1].replace(b'""', b'"').decode()
    return field.decode() or None


def field_of(value: str | None) -> bytes:
    """The field for a value, quoted where it must be."""
    if value is None:
        return b""
    if value == "" or NEEDS_QUOTES.search(value) or value != value.strip():
        return b'"' + value.replace('"', '""').encode() + b'"'
    return value.encode()


def header_of(columns: Sequence[str]) -> bytes:
    return b",".join(field_of(column) for column in columns)


def read_header(path: Path) -> tuple[str, ...]:
    """The column names of a CSV file of ours."""
    with path.open("rb") as file:
        return tuple(value_of(field) or "" for field in split_row(next(read_rows(file), b"")))

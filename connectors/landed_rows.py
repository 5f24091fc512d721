"""Landed files in every form that a landing writes or a bucket brings: rows as texts, and the file with some changed.

Rows are read, split and counted by what the load reads files with. `position` is a row's place in its file, from 1.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import glob
import gzip
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import duckdb

from connectors.csv_lines import field_of, split_row
from ingestion.contract.model import Table
from ingestion.errors import SourceError
from ingestion.read.columns import place_name, plain_name
from ingestion.read.csv_rows import LONGEST_ROW_CHARACTERS, read_header, read_rows, rows_of
from ingestion.read.files import SourceFile
from ingestion.read.json_lines import ANY_LINE, TOO_LONG, read_lines
from ingestion.read.parquet import nested_or_text, parts_of
from ingestion.read.relations import reject_ambiguous_lines
from ingestion.read.streams import open_text
from warehouse.sql_text import literal

if TYPE_CHECKING:
    import pyarrow as pa

# New texts by position of the row and number of the column; None is null.
Changes = Mapping[int, Mapping[int, str | None]]
BLANK = re.compile(r"[ \t\r\n]*")
COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
COMMA = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")


class LandedRows(ABC):
    """The rows of one file.

    `relation`: SQL with `position` and a text for each of `names`, as `column_0` and so on. `unread`: the texts of what
    is no row that the load would take.
    """

    names: Sequence[str]
    relation: str
    unread: list[str]

    @abstractmethod
    def write(self, target: Path, changes: Changes) -> None:
        """Write the file in its own form, with the changes. Raises `SourceError`."""


def landed_rows(connection: duckdb.DuckDBPyConnection, table: Table, file: SourceFile, folder: Path) -> LandedRows:
    """Raises `SourceError` if the load could not read the file either, or a part of it cannot be searched."""
    if table.stored == "objects":
        return ObjectLines(connection, table, file, folder)
    if file.suffix == ".parquet":
        return ParquetRows(file, folder)
    kind = CsvRows if file.suffix.startswith(".csv") else JsonRows
    return kind(connection, table, file, folder)


class CsvRows(LandedRows):
    """Rows that stay are written as they were; lines end with a line feed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: Table, file: SourceFile, folder: Path) -> None:
        self._file, self._folder = file, folder
        self.names = read_header(file, folder)
        columns = [place_name(place) for place in range(len(self.names))]
        kinds = ", ".join(f"{column} varchar" for column in columns)
        connection.execute(f"create or replace temp table csv_texts (_path varchar, _row bigint, {kinds})")
        bad = {row.position for row in read_rows(connection, "csv_texts", file, folder, self.names)}
        self.relation = f"select _row as position, {', '.join(columns)} from csv_texts"
        # Data may stand where the header should.
        self.unread = [",".join(self.names)]
        if bad:
            texts = [text.encode(errors="surrogateescape") for position, text in self._texts() if position in bad]
            self.unread += [text.decode(errors="backslashreplace") for text in texts]

    def write(self, target: Path, changes: Changes) -> None:
        with _open_to_write(target, self._file) as written:
            for position, text in self._texts():
                row = text.encode(errors="surrogateescape")
                if position in changes:
                    fields = split_row(row)
                    for place, value in changes[position].items():
                        fields[place] = field_of(value)
                    row = b",".join(fields)
                written.write(row + b"\n")

    def _texts(self) -> Iterator[tuple[int, str]]:
        """The header as position 0, then every row as it is written."""
        with open_text(self._file, self._folder) as stream:
            for position, (text, _) in enumerate(rows_of(stream, len(self.names))):
                if len(text) > LONGEST_ROW_CHARACTERS:
                    raise SourceError(f"{self._file.path}: row {position:,} is too long to be searched")
                yield position, text


class JsonRows(LandedRows):
    """One object a line with the columns as its keys. All but the values that change is written as it was."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: Table, file: SourceFile, folder: Path) -> None:
        self._file, self._folder = file, folder
        read_lines(connection, table, [file], folder)
        self.names = self._columns(connection, table)
        if connection.execute("from read_lines where fault = ?", [TOO_LONG]).fetchone():
            raise SourceError(f"{file.path}: a line is too long to be searched")
        unread = connection.execute(f"select {ANY_LINE} from read_lines where fault is not null").fetchall()
        self.unread = [text for (text,) in unread]
        self.relation = self._relation()

    def _columns(self, connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
        keys = connection.execute(
            "select distinct unnest(json_keys(line)) as key from read_lines order by 1"
        ).fetchall()
        names = [key for (key,) in keys]
        for column in table.column_names:
            alike = [name for name in names if plain_name(name) == column]
            reject_ambiguous_lines(connection, column, alike, "true")
        return names

    def _relation(self) -> str:
        places = ", ".join(literal("/" + name.replace("~", "~0").replace("/", "~1")) for name in self.names)
        texts = ", ".join(_json_text(f"members[{place + 1}]", place) for place in range(len(self.names)))
        members = f"json_extract(line, [{places}])" if places else "[]::json[]"
        return (
            f"select position, {texts or 'null as nothing'} from (select _row as position, {members} as members "
            "from read_lines where line is not null)"
        )

    def write(self, target: Path, changes: Changes) -> None:
        with open_text(self._file, self._folder) as stream, _open_to_write(target, self._file) as written:
            for position, line in enumerate(stream, 1):
                if position in changes:
                    written.write(self._changed(line.decode().rstrip("\r\n"), changes[position]).encode() + b"\n")
                else:
                    written.write(line)

    def _changed(self, line: str, changes: Mapping[int, str | None]) -> str:
        new = {self.names[place]: value for place, value in changes.items()}
        parts: list[str] = []
        end = 0
        for name, start, stop in _members(line):
            if name in new:
                value = new[name]
                # A list that is emptied stays a list, and a text that has one a text.
                text = value if value is not None and line[start] == "[" else json.dumps(value)
                parts += line[end:start], text
                end = stop
        return "".join([*parts, line[end:]])


class ObjectLines(JsonRows):
    """Stripe's objects: the only column is the whole line."""

    def _columns(self, connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
        return ["payload"]

    def _relation(self) -> str:
        return "select _row as position, line as column_0 from read_lines where line is not null"

    def _changed(self, line: str, changes: Mapping[int, str | None]) -> str:
        return str(changes[0])


class ParquetRows(LandedRows):
    """Columns keep their types, and row groups their rows; each column is compressed as it was."""

    def __init__(self, file: SourceFile, folder: Path) -> None:
        import pyarrow.parquet as pq

        self._file, self._path = file, folder / file.path
        self.unread = []
        try:
            self._schema = pq.read_schema(self._path)
        except Exception as error:
            raise SourceError(f"{file.path} cannot be read as Parquet ({type(error).__name__})") from error
        self.names = self._schema.names
        columns = [place_name(place) for place in range(len(self.names))]
        texts = [
            f"{nested_or_text(column, kind)} as {column}"
            for column, kind in zip(columns, self._schema.types, strict=True)
        ]
        self.relation = (
            f"select position, {', '.join(texts)} from (select {', '.join(columns)}, file_row_number + 1 as position "
            f"from read_parquet({literal(glob.escape(str(self._path)))}, hive_partitioning = false) "
            f"as rows({', '.join(columns)}))"
        )

    def write(self, target: Path, changes: Changes) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        # Null may be all that is left where a column says that it has none.
        emptied = {place for new in changes.values() for place, value in new.items() if value is None}
        schema = pa.schema(
            [field.with_nullable(field.nullable or place in emptied) for place, field in enumerate(self._schema)],
            self._schema.metadata,
        )
        with (
            pq.ParquetFile(self._path) as source,
            pq.ParquetWriter(target, schema, compression=_compression(source.metadata)) as writer,
        ):
            before = 0
            for number in range(source.num_row_groups):
                group = source.read_row_group(number)
                here = {
                    position - before - 1: new
                    for position, new in changes.items()
                    if before < position <= before + group.num_rows
                }
                columns = [_with_changes(column, place, here) for place, column in enumerate(group.columns)]
                writer.write_table(pa.table(columns, schema=schema), row_group_size=max(group.num_rows, 1))
                before += group.num_rows
        if pq.read_schema(target).types != self._schema.types:
            raise SourceError(f"{self._file.path} has types of columns that cannot be written again")


def _with_changes(
    column: "pa.ChunkedArray", place: int, changes: Mapping[int, Mapping[int, str | None]]
) -> "pa.ChunkedArray":
    """A column with new values, by row from 0; all others are untouched."""
    import numpy as np
    import pyarrow as pa

    new = {row: values[place] for row, values in changes.items() if place in values}
    if new:
        is_nested = pa.types.is_nested(column.type)
        values = [json.loads(value) if is_nested and value is not None else value for value in new.values()]
        is_empty = all(value is None for value in values)
        added = pa.nulls(len(values), column.type) if is_empty else pa.array(values, column.type)
        taken = np.arange(len(column))
        taken[list(new)] = len(column) + np.arange(len(new))
        column = pa.chunked_array([*column.chunks, added], column.type).take(pa.array(taken))
    if any(pa.types.is_dictionary(part) for part in parts_of(column.type)):
        # A dictionary is written with the values that no row has any more.
        column = pa.chunked_array([pa.array(column.to_pylist(), column.type)], column.type)
    return column


def _compression(metadata: Any) -> str | dict[str, str]:
    if not metadata.num_row_groups:
        return "NONE"
    group = metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    names = {"UNCOMPRESSED": "NONE"}
    return {each.path_in_schema: names.get(each.compression, each.compression) for each in columns}


def _open_to_write(target: Path, file: SourceFile) -> IO[bytes] | gzip.GzipFile:
    if file.suffix.endswith(".gz"):
        return gzip.open(target, "wb", compresslevel=1)
    return target.open("wb")


def _json_text(member: str, place: int) -> str:
    return (
        f"case json_type({member}) when 'VARCHAR' then json_extract_string({member}, '$') when 'NULL' then null "
        f"else {member}::varchar end as {place_name(place)}"
    )


def _members(line: str) -> Iterator[tuple[str, int, int]]:
    """The keys of an object, each with where its value begins and ends."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    place = BLANK.match(line, line.index("{") + 1).end()  # type: ignore[union-attr]
    while line[place] == '"':
        name, place = decoder.raw_decode(line, place)
        start = COLON.match(line, place).end()  # type: ignore[union-attr]
        _, stop = decoder.raw_decode(line, start)
        yield name, start, stop
        place = COMMA.match(line, stop).end()  # type: ignore[union-attr]

"""Files as relations of DuckDB: every row with its file and position, every value as it stands in the file.

CSV and JSON lines stream into temporary tables of text; Parquet is read in place. Nothing is judged here but
what concerns a whole file: whether it can be read, and which columns it has.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import csv
import glob
import gzip
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import duckdb

from ingestion.contract import Column, Table
from ingestion.errors import SourceError
from ingestion.files import SourceFile
from ingestion.raw import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 16 * 1024 * 1024
NUMBERS_QUOTED = "json_numbers_quoted"
LINE = "line"
OWN_NAMES = {"_file", "_row", "_row_hash", "_deleted", "_fault", "_is_bad", "_place", "_is_about"}
EXACT_TYPES = {"decimal", "object"}
DECIMAL_DIGITS = 38
IS_OBJECT = f"coalesce(try(json_type({LINE})) = 'OBJECT', false)"
READ_ERRORS = (OSError, EOFError, UnicodeDecodeError, csv.Error)

Form = Literal["text", "json", "native", "null"]


@dataclass(frozen=True)
class Cell:
    """How a column of a portion is read: an SQL expression, and whether it is text, JSON, or fits the type as it is."""

    sql: str
    form: Form


@dataclass(frozen=True)
class Portion:
    """Rows of files that have the same columns.

    `relation` has `_file` and `_row`, `_place` (a number that no other row of the portion has, below 2 ** 52), and
    whatever the cells refer to. `cells` has the columns of the contract that
    the files have, and counters that the contract does not have yet; `extras` has all other columns as text. Both
    go by the names in schema raw. `original` is a row as text.
    """

    relation: str
    cells: dict[str, Cell]
    extras: dict[str, str]
    original: str
    new_counters: tuple[Column, ...] = ()
    is_parquet: bool = False


@dataclass(frozen=True)
class Ragged:
    """A row of a CSV file that has more or fewer values than the header."""

    file: str
    position: int
    reason: str
    text: str


def read_portions(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile], folder: Path
) -> tuple[list[Portion], list[Ragged]]:
    """The rows of `files`, which lie under `folder` at their relative paths. Raises `SourceError`.

    Files with the same columns are one portion; portions are in an order that depends on nothing but their columns.
    Temporary tables that the portions read from live until `drop_read_tables`.
    """
    portions: list[Portion] = []
    ragged: list[Ragged] = []
    by_suffix: dict[str, list[SourceFile]] = {}
    for file in files:
        by_suffix.setdefault(file.suffix.removesuffix(".gz"), []).append(file)
    if parquet := by_suffix.get(".parquet"):
        portions += _parquet_portions(table, parquet, folder)
    if csv_files := by_suffix.get(".csv"):
        csv_portions, ragged = _csv_portions(connection, table, csv_files, folder)
        portions += csv_portions
    if jsonl := by_suffix.get(".jsonl"):
        read_lines(connection, jsonl, folder)
        portions += _jsonl_portions(connection, table, jsonl)
    return portions, ragged


def drop_read_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of the text that has been read."""
    names = connection.execute(
        "select table_name from duckdb_tables() where temporary and table_name like 'read\\_%' escape '\\'"
    )
    for (name,) in names.fetchall():
        connection.execute(f"drop table {quote(name)}")


@dataclass(frozen=True)
class Match:
    """A file's names of columns by the names in schema raw: `known` to the contract or counters, and `extras`."""

    known: dict[str, str]
    extras: dict[str, str]
    new_counters: tuple[Column, ...]


def match_columns(table: Table, file: str, names: Sequence[str]) -> Match:
    """Find the contract's columns among the names that a file has.

    Raises `SourceError` for a column that is missing, has no name, comes twice or takes a reserved name.
    """
    found: dict[str, str] = {}
    for position, name in enumerate(names, start=1):
        raw_name = re.sub(r"[^a-z0-9_]", "_", name.strip().lower())
        if not raw_name:
            raise SourceError(f"{file}: column {position} has no name: give it one, or take it out")
        if raw_name in found:
            raise SourceError(f"{file} has two columns {raw_name}: {found[raw_name]!r} and {name!r}; take one out")
        if raw_name.startswith("_dlt") or raw_name in OWN_NAMES:
            raise SourceError(f"{file} has a column {name!r}, a name that the load needs for itself: rename it")
        found[raw_name] = name
    missing = [c.name for c in table.columns if c.name not in found and not c.may_be_missing]
    if missing:
        raise SourceError(
            f"{file} has no column {', '.join(missing)}, which {table.path} needs (it has {', '.join(names)}): "
            "add it to the file"
        )
    columns = {name: table.column(name) for name in found}
    return Match(
        known={name: found[name] for name, column in columns.items() if column},
        extras={name: found[name] for name, column in columns.items() if not column},
        new_counters=tuple(c for c in columns.values() if c and c.name not in table.column_names),
    )


def read_lines(connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile], folder: Path) -> None:
    """All lines of JSON lines files as the temporary table `read_lines` (_file, _row, line)."""
    import pyarrow as pa

    connection.execute("create or replace temp table read_lines (_file varchar, _row bigint, line varchar)")
    for file in files:
        for first, lines in _line_blocks(file, folder):
            rows = pa.table({"_row": pa.array(range(first, first + len(lines)), pa.int64()), "line": lines})
            connection.register("block", rows)
            connection.execute(
                f"insert into read_lines select {literal(file.path)}, _row, line from block where trim(line) <> ''"
            )
            connection.unregister("block")


def _line_blocks(file: SourceFile, folder: Path) -> Iterator[tuple[int, "pa.Array"]]:
    """The lines of a file in blocks, each with the number of its first line."""
    import pyarrow as pa

    first, rest = 1, ""
    try:
        with _open(file, folder) as binary, io.TextIOWrapper(binary, encoding="utf-8-sig", newline="\n") as text:
            while block := text.read(BLOCK_BYTES):
                *lines, rest = (rest + block).split("\n")
                yield first, pa.array(lines, pa.large_string())
                first += len(lines)
            if rest:
                yield first, pa.array([rest], pa.large_string())
    except READ_ERRORS as error:
        raise _unreadable(file, error) from error


def _as_json(texts: dict[str, str]) -> str:
    pairs = ", ".join(f"{literal(name)}, {text}" for name, text in texts.items())
    return f"json_object({pairs})::varchar"


def _open(file: SourceFile, folder: Path) -> IO[bytes]:
    path = folder / file.path
    return gzip.open(path, "rb") if file.suffix.endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _unreadable(file: SourceFile, error: Exception) -> SourceError:
    return SourceError(
        f"{file.path} cannot be read: {error}. Write the file again (it may be cut off, or not be what its extension "
        f"{file.suffix} says)"
    )


# ------------------------------------------------------------------------------------------------------- JSON lines


def _jsonl_portions(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile]) -> list[Portion]:
    if table.stored == "objects":
        return [Portion("(select *, rowid as _place from read_lines)", {}, {}, LINE)]
    keys = connection.execute(
        "select _file, list(distinct key order by key) from (select _file, unnest(try(json_keys(line))) as key "
        "from read_lines) group by _file"
    ).fetchall()
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for file, names in keys:
        by_columns.setdefault(tuple(names), []).append(file)
    readable = {file for file, _ in keys}
    # A file of which no line is an object has no columns to miss; each of its lines is a fault of its own.
    others = [file.path for file in files if file.path not in readable]
    portions = [_jsonl_portion(table, names, paths) for names, paths in sorted(by_columns.items())]
    return portions + ([_jsonl_portion(table, (), others)] if others else [])


def _jsonl_portion(table: Table, names: tuple[str, ...], files: list[str]) -> Portion:
    match = match_columns(table, files[0], names) if names else Match({}, {}, ())
    exact = {c.name: match.known[c.name] for c in table.columns if c.name in match.known and c.type in EXACT_TYPES}
    where = f"_file in ({', '.join(literal(file) for file in files)})"
    # DuckDB reads a number of JSON as a double: exact decimals come from a copy of the line with quoted numbers.
    relation = (
        "(select _file, _row, rowid as _place, line, "
        f"{_members(f'case when {IS_OBJECT} then line end', names)} as fields, "
        f"{_members(f'{NUMBERS_QUOTED}(line)', tuple(exact.values()))} as exact from read_lines where {where})"
    )
    cells = {
        name: Cell(f"{'exact' if name in exact else 'fields'}.{quote(key)}", "json")
        for name, key in match.known.items()
    }
    for column in table.columns:
        if column.default is not None and column.name in match.known:
            cells[column.name] = Cell(_or_default(match.known[column.name], column.default), "json")
    extras = {name: json_text(f"fields.{quote(key)}") for name, key in match.extras.items()}
    return Portion(relation, cells, extras, LINE, match.new_counters)


def _or_default(key: str, default: int) -> str:
    """SQL for a member of a line, or for the default in a line that does not have it; an explicit null stays null."""
    pointer = literal("/" + key.replace("~", "~0").replace("/", "~1"))
    is_missing = f"fields.{quote(key)} is null and not coalesce(json_exists({LINE}, {pointer}), true)"
    return f"case when {is_missing} then '{default}'::json else fields.{quote(key)} end"


def json_text(value: str) -> str:
    """SQL for the text of a JSON value: a string without its quotes, anything else as it is written."""
    return f"case json_type({value}) when 'VARCHAR' then {value} ->> '$' else {value}::varchar end"


def _members(text: str, names: tuple[str, ...]) -> str:
    """SQL for the members of a JSON object, each as JSON; null where there is no object."""
    shape = json.dumps(dict.fromkeys(names, "JSON"), ensure_ascii=False)
    return f"from_json({text}, {literal(shape)})" if names else "null"


# -------------------------------------------------------------------------------------------------------------- CSV


def _csv_portions(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile], folder: Path
) -> tuple[list[Portion], list[Ragged]]:
    by_header: dict[tuple[str, ...], list[SourceFile]] = {}
    for file in files:
        by_header.setdefault(_csv_header(file, folder), []).append(file)
    portions, ragged = [], []
    for index, (header, alike) in enumerate(sorted(by_header.items())):
        match = match_columns(table, alike[0].path, header)
        name = f"read_csv_{index}"
        columns = ", ".join(f"{quote(column)} varchar" for column in header)
        connection.execute(f"create or replace temp table {name} (_file varchar, _row bigint, {columns})")
        for file in alike:
            ragged += _insert_csv(connection, name, file, folder, header)
        cells = {column: Cell(quote(key), "text") for column, key in match.known.items()}
        extras = {column: quote(key) for column, key in match.extras.items()}
        original = _as_json({column: quote(column) for column in header})
        relation = f"(select *, rowid as _place from {name})"
        portions.append(Portion(relation, cells, extras, original, match.new_counters))
    return portions, ragged


def _csv_header(file: SourceFile, folder: Path) -> tuple[str, ...]:
    try:
        with _open(file, folder) as binary, io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
            header = next((row for row in csv.reader(text) if row), None)
    except READ_ERRORS as error:
        raise _unreadable(file, error) from error
    if header is None:
        raise SourceError(f"{file.path} has no header: its first line must name the columns, even if no row follows")
    return tuple(header)


def _insert_csv(
    connection: duckdb.DuckDBPyConnection, name: str, file: SourceFile, folder: Path, header: tuple[str, ...]
) -> list[Ragged]:
    import numpy as np
    import pyarrow as pa

    ragged: list[Ragged] = []
    taken = 0
    try:
        with _open(file, folder) as binary:
            source = _CountingQuotes(binary)
            for batch in _csv_batches(source, file, header, ragged):
                ordinals = np.arange(taken + 1, taken + batch.num_rows + 1)
                # A ragged row is not in the batch: the positions of the rows after it move up by one.
                before = np.array([row.position - 1 - index for index, row in enumerate(ragged)], dtype=np.int64)
                positions = ordinals + np.searchsorted(before, ordinals, side="left")
                connection.register("batch", pa.table([*batch.columns, pa.array(positions)], names=[*header, "_row"]))
                columns = ", ".join(quote(column) for column in header)
                connection.execute(f"insert into {name} select {literal(file.path)}, _row, {columns} from batch")
                connection.unregister("batch")
                taken += batch.num_rows
            if source.quotes % 2:
                raise SourceError(
                    f"{file.path} has a quote that is never closed, so that rows run into one another: close it, "
                    "or write quotes inside a value twice and the value in quotes"
                )
    except (*READ_ERRORS, pa.ArrowInvalid) as error:
        raise _unreadable(file, error) from error
    return ragged


def _csv_batches(
    source: "_CountingQuotes", file: SourceFile, header: tuple[str, ...], ragged: list[Ragged]
) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    def set_aside(row: Any) -> str:
        reason = f"the row has {row.actual_columns} values, but the header names {row.expected_columns} columns"
        ragged.append(Ragged(file.path, row.number - 1, reason, row.text))
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            source,
            # Arrow numbers the rows that it passes over only when it reads with one thread.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "cannot infer number of columns" in str(error):  # a header without a line break, and nothing after it
            return
        raise
    yield from reader


class _CountingQuotes(io.RawIOBase):
    """A stream that counts the quotes that pass through it."""

    def __init__(self, binary: IO[bytes]) -> None:
        self._binary = binary
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._binary.read(size)
        self.quotes += block.count(b'"')
        return block


# ---------------------------------------------------------------------------------------------------------- Parquet


def _parquet_portions(table: Table, files: Sequence[SourceFile], folder: Path) -> list[Portion]:
    import pyarrow.parquet as pq

    by_schema: dict[tuple[tuple[str, pa.DataType], ...], list[SourceFile]] = {}
    for file in files:
        try:
            schema = pq.read_schema(folder / file.path)
        except Exception as error:
            raise _unreadable(file, error) from error
        columns = tuple((column.name, column.type) for column in schema)
        by_schema.setdefault(columns, []).append(file)
    return [_parquet_portion(table, columns, by_schema[columns], folder) for columns in sorted(by_schema, key=str)]


def _parquet_portion(
    table: Table, columns: "tuple[tuple[str, pa.DataType], ...]", files: Sequence[SourceFile], folder: Path
) -> Portion:
    import pyarrow as pa

    types = dict(columns)
    match = match_columns(table, files[0].path, [name for name, _ in columns])
    for name, kind in columns:
        # DuckDB holds 38 digits, and reads what has more as another number.
        if any(pa.types.is_decimal(part) and part.precision > DECIMAL_DIGITS for part in _parts(kind)):
            raise SourceError(
                f"{files[0].path}: column {name} is {kind}, of which not every digit can be kept: write it as a "
                f"decimal of at most {DECIMAL_DIGITS} digits, or as text"
            )
    paths = ", ".join(literal(glob.escape(str(folder / file.path))) for file in files)
    prefix = len(str(folder)) + 2
    relation = (
        f"(select rows.*, _dlt_path[{prefix}:] as _file, file_row_number + 1 as _row, "
        f"file_index::bigint * {2**32} + file_row_number as _place from read_parquet([{paths}], "
        "filename = '_dlt_path', file_row_number = true, hive_partitioning = false) as rows)"
    )
    cells = {name: _parquet_cell(files[0].path, table, name, key, types[key]) for name, key in match.known.items()}
    extras = {name: _nested_or_text(quote(key), types[key]) for name, key in match.extras.items()}
    original = _as_json({key: _nested_or_text(quote(key), kind) for key, kind in types.items()})
    return Portion(relation, cells, extras, original, match.new_counters, is_parquet=True)


def _nested_or_text(column: str, kind: "pa.DataType") -> str:
    import pyarrow as pa

    return f"to_json({column})::varchar" if pa.types.is_nested(kind) else f"{column}::varchar"


def _parquet_cell(file: str, table: Table, name: str, key: str, kind: "pa.DataType") -> Cell:
    """How a Parquet column is read as a column of the contract. Raises `SourceError` if its type does not fit."""
    import pyarrow as pa

    types, sql, column = pa.types, quote(key), table.column(name)
    assert column is not None
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return Cell("null", "null")
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return Cell(sql, "text")
    fits = {
        "string": str(kind) == "extension<arrow.uuid>",
        "int": types.is_integer(kind),
        "decimal": types.is_integer(kind) or types.is_decimal(kind),
        "bool": types.is_boolean(kind),
        "date": types.is_date(kind),
        "timestamp": types.is_timestamp(kind) and kind.tz is not None and kind.unit != "ns",
        "list": types.is_list(kind) or types.is_large_list(kind),
        "object": types.is_map(kind) or types.is_struct(kind),
    }
    is_exact = column.type != "object" or not any(types.is_floating(part) for part in _parts(kind))
    if not fits[column.type] or not is_exact:
        raise SourceError(f"{file}: column {column.name} is {kind}, but must be {PARQUET_TYPES[column.type]}")
    if column.type in {"string", "decimal"} or kind == pa.uint64():
        return Cell(f"{sql}::varchar", "text")
    if column.type == "list":
        return Cell(f"to_json({sql})::varchar", "text")
    if column.type == "object":
        return Cell(_object_text(sql, kind), "text")
    return Cell(sql, "native")


def _parts(kind: "pa.DataType") -> "Iterator[pa.DataType]":
    """A type and the types of everything that is inside of it."""
    import pyarrow as pa

    yield kind
    if pa.types.is_dictionary(kind):
        yield from _parts(kind.value_type)
    elif pa.types.is_nested(kind):
        for index in range(kind.num_fields):
            yield from _parts(kind.field(index).type)


def _object_text(sql: str, kind: "pa.DataType") -> str:
    """A map or struct as JSON text, each value first as text, so that no decimal becomes a double."""
    import pyarrow as pa

    if pa.types.is_map(kind):
        return f"to_json({sql}::map(varchar, varchar))::varchar"
    fields = ", ".join(
        f"{literal(kind.field(i).name)}, {sql}.{quote(kind.field(i).name)}::varchar" for i in range(kind.num_fields)
    )
    return f"case when {sql} is not null then json_object({fields})::varchar end"


PARQUET_TYPES = {
    "string": "text",
    "int": "an integer type or text",
    "decimal": "a decimal or integer type or text (a floating-point number is not exact)",
    "bool": "a boolean or text",
    "date": "a date or text",
    "timestamp": "timestamp[us, UTC] or text with a zone (microseconds or coarser)",
    "list": "a list of text, or text that is JSON",
    "object": "a map or struct of decimals, integers or text (a floating-point number is not exact), or JSON text",
}

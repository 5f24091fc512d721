"""Files as DuckDB relations: every row with its file and position, values as in the file.

CSV and JSON lines stream into temporary tables of text; Parquet is read in place. Rows are not checked here, only
readability and columns.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import glob
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb

from ingestion.contract.model import Column, Table
from ingestion.contract.raw_tables import literal, quote
from ingestion.errors import SourceError
from ingestion.read.csv_rows import Ragged, read_header, read_rows
from ingestion.read.files import SourceFile
from ingestion.read.json_lines import ANY_LINE, read_lines
from ingestion.read.streams import unreadable

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS_QUOTED = "json_numbers_quoted"
# Names reserved by the load; dlt reserves those that begin with `_dlt`.
OWN_NAMES = {"_path", "_row", "_row_hash", "_deleted", "_fault", "_is_bad", "_place", "_is_about", "_values", "_rank"}
UNNAMED = "unnamed"
SHOWN_NAMES = 20
# PostgreSQL's limit; a longer text is not a column name.
LONGEST_NAME = 63
EXACT_TYPES = {"decimal", "object"}
DECIMAL_DIGITS = 38
# Numbers that a double may not represent exactly.
LONG_NUMBER = "[0-9.]{17}|[0-9][eE]"

Form = Literal["text", "json", "native", "null"]


@dataclass(frozen=True)
class Cell:
    """An SQL expression for a column, and whether it is text, JSON, or already typed."""

    sql: str
    form: Form


@dataclass(frozen=True)
class Portion:
    """Rows of files that have the same columns.

    `relation` has `_path`, `_row`, `_place` (unique, below 2 ** 52) and what cells refer to. `cells` has columns of the
    contract and new counters, `extras` all others as text, by raw name. `original` is the row as text.
    """

    relation: str
    cells: dict[str, Cell]
    extras: dict[str, str]
    original: str
    new_counters: tuple[Column, ...] = ()
    ignored: tuple[str, ...] = ()
    is_parquet: bool = False


def read_portions(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile], folder: Path
) -> tuple[list[Portion], list[Ragged]]:
    """Read `files`, at their relative paths under `folder`. Raises `SourceError`.

    Files with the same columns form one portion, in an order that depends on the columns only. Temporary tables live
    until `drop_read_tables`.
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
        read_lines(connection, table, jsonl, folder)
        portions += _jsonl_portions(connection, table, jsonl)
    return portions, ragged


def drop_read_tables(connection: duckdb.DuckDBPyConnection) -> None:
    names = connection.execute(
        "select table_name from duckdb_tables() where temporary and table_name like 'read\\_%' escape '\\'"
    )
    for (name,) in names.fetchall():
        connection.execute(f"drop table {quote(name)}")


@dataclass(frozen=True)
class Match:
    """Positions of a file's columns by raw name.

    Several names may stand for one column only where each row has its own, as in JSON lines. `ignored` are names no
    column can have.
    """

    known: dict[str, list[int]]
    extras: dict[str, int]
    new_counters: tuple[Column, ...]
    ignored: tuple[str, ...] = ()


def match_columns(table: Table, file: str, names: Sequence[str], *, by_row: bool = False) -> Match:
    """Match the contract's columns to a file's names; other columns get a free name.

    `by_row`: each row has its own names. Raises `SourceError` for a missing column, or a duplicate one unless `by_row`.
    """
    known: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if table.column(_plain(name)):
            known.setdefault(_plain(name), []).append(place)
    for raw_name, places in known.items():
        if len(places) > 1 and not by_row:
            raise SourceError(
                f"{file} has two columns {raw_name}: {names[places[0]]!r} and {names[places[1]]!r}; remove one"
            )
    missing = [c.name for c in table.columns if c.name not in known and not c.may_be_missing]
    if missing:
        raise SourceError(
            f"{file} has no column {', '.join(missing)}, which {table.path} needs (it has {shown_names(names)}): "
            "add it to the file"
        )
    taken = {place for places in known.values() for place in places}
    extras = _free_names(table, [(place, name) for place, name in enumerate(names) if place not in taken])
    return Match(
        known=known,
        extras={raw_name: place for raw_name, place in extras.items() if len(raw_name) <= LONGEST_NAME},
        new_counters=tuple(c for c in map(table.column, known) if c and c.name not in table.column_names),
        ignored=tuple(names[place] for raw_name, place in extras.items() if len(raw_name) > LONGEST_NAME),
    )


def shown_names(names: Sequence[str]) -> str:
    """Names for a message: escaped, truncated and limited in number."""
    shown = [repr(name[:LONGEST_NAME])[1:-1] or "one without a name" for name in names[:SHOWN_NAMES]]
    more = [f"{len(names) - SHOWN_NAMES:,} more"] if len(names) > SHOWN_NAMES else []
    return ", ".join(shown + more)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.strip().lower())


def _folded(name: str) -> str:
    """The raw name of an extra column, in a form that dlt does not change."""
    return re.sub(r"^_+|^(?=[0-9])|_+(?=[0-9])", "_", re.sub(r"_{3,}", "__", _plain(name).rstrip("_")))


def _free_names(table: Table, columns: Sequence[tuple[int, str]]) -> dict[str, int]:
    """Positions of extra columns by unique raw name."""
    found: dict[str, int] = {}
    # A column that already has its raw name keeps it.
    for place, name in sorted(columns, key=lambda column: column[1] != _folded(column[1])):
        raw_name = _folded(name) or UNNAMED
        if not name.isascii():
            # Names in other alphabets keep few letters, so a hash tells them apart.
            raw_name += "_" + sha256(name.encode()).hexdigest()[:6]
        if raw_name.startswith("_dlt") or raw_name in OWN_NAMES:
            raw_name = f"extra{raw_name}"
        numbered = (_numbered(raw_name, number) for number in range(1, len(columns) + 2))
        found[next(name for name in numbered if name not in found and not table.column(name))] = place
    return found


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def _as_json(texts: Sequence[tuple[str, str]]) -> str:
    # A statement cannot contain a NUL character, but a column name can.
    pairs = ", ".join(f"{literal(name.replace(chr(0), '?'))}, {text}" for name, text in texts)
    return f"json_object({pairs})::varchar"


# ------------------------------------------------------------------------------------------------------- JSON lines


def _jsonl_portions(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile]) -> list[Portion]:
    if table.stored == "objects":
        return [Portion("(select *, rowid as _place from read_lines)", {}, {}, ANY_LINE)]
    keys: dict[str, set[str]] = {file.path: set() for file in files}
    rows_with: Counter[str] = Counter()
    for path, key, rows in connection.execute(
        "select _path, key, count(*) from (select _path, unnest(json_keys(line)) as key from read_lines) group by all"
    ).fetchall():
        keys[path].add(key)
        rows_with[key] += rows
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for path, names in keys.items():
        # The most frequent keys come first: they are kept if there are too many.
        by_columns.setdefault(tuple(sorted(names, key=lambda key: (-rows_with[key], key))), []).append(path)
    return [_jsonl_portion(connection, table, names, paths) for names, paths in sorted(by_columns.items())]


def _jsonl_portion(
    connection: duckdb.DuckDBPyConnection, table: Table, names: tuple[str, ...], files: list[str]
) -> Portion:
    # A file without a single object has no columns to miss; each line is bad by itself.
    match = match_columns(table, files[0], names, by_row=True) if names else Match({}, {}, ())
    where = f"_path in ({', '.join(literal(file) for file in files)})"
    keys_of = {name: [names[place] for place in places] for name, places in match.known.items()}
    for column, keys in keys_of.items():
        _reject_ambiguous_lines(connection, column, keys, where)
    # DuckDB reads JSON numbers as doubles: exact decimals, and extras of lines with long numbers, come from a copy with
    # quoted numbers.
    quoted = f"{NUMBERS_QUOTED}(line)"
    is_long = f"regexp_matches(line, {literal(LONG_NUMBER)})"
    has_long = (
        match.extras and connection.execute(f"select 1 from read_lines where {where} and {is_long} limit 1").fetchone()
    )
    any_number = f"case when {is_long} then {quoted} else line end" if has_long else "line"
    exact = {c.name for c in table.columns if c.type in EXACT_TYPES}
    read = _MemberColumns(names)
    cells = {
        name: Cell(read.first_of(quoted if name in exact else "line", keys), "json") for name, keys in keys_of.items()
    }
    for known in table.columns:
        if known.default is not None and known.name in cells:
            cells[known.name] = Cell(_or_default(cells[known.name].sql, keys_of[known.name], known.default), "json")
    extras = {name: json_text(read.first_of(any_number, [names[place]])) for name, place in match.extras.items()}
    relation = (
        f"(select _path, _row, rowid as _place, line, text, fault, fault_column{read.structs()} "
        f"from read_lines where {where})"
    )
    return Portion(relation, cells, extras, ANY_LINE, match.new_counters, match.ignored)


def _reject_ambiguous_lines(
    connection: duckdb.DuckDBPyConnection, column: str, keys: Sequence[str], where: str
) -> None:
    """Set aside the lines in which several keys stand for one column."""
    if len(keys) > 1:
        count = " + ".join(f"json_exists(line, {_pointer(key)})::int" for key in keys)
        reason = f"the line has more than one of the keys {shown_names(keys)}, which are one column: keep one"
        connection.execute(
            "update read_lines set line = null, text = line, fault_column = ?, fault = ? "
            f"where {where} and line is not null and {count} > 1",
            [column, reason],
        )


class _MemberColumns:
    """SQL for members of JSON objects; null where missing or null.

    Each text is parsed once, into a struct, except for keys that a struct cannot hold or tell apart.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        same = Counter(key.lower() for key in keys)
        self._plain = {key for key in keys if key and key.isascii() and same[key.lower()] == 1}
        self._structs: dict[str, dict[str, str]] = {}

    def first_of(self, text: str, keys: Sequence[str]) -> str:
        """SQL for the member of one of the keys; no line has several of them."""
        found = [self._member(text, key) for key in keys]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"

    def structs(self) -> str:
        """The struct columns, to append to a select list."""
        shapes = {text: json.dumps(shape, ensure_ascii=False) for text, shape in self._structs.items()}
        return "".join(
            f", from_json({text}, {literal(shape)}) as members_{number}"
            for number, (text, shape) in enumerate(shapes.items())
        )

    def _member(self, text: str, key: str) -> str:
        if key not in self._plain:
            value = f"json_extract({text}, {_pointer(key)})"
            return f"case when json_type({value}) <> 'NULL' then {value} end"
        self._structs.setdefault(text, {})[key] = "JSON"
        return f"members_{list(self._structs).index(text)}.{quote(key)}"


def _pointer(key: str) -> str:
    return literal("/" + key.replace("~", "~0").replace("/", "~1"))


def _or_default(value: str, keys: Sequence[str], default: int) -> str:
    """SQL for a member, or the default where the line has none of its keys; an explicit null stays null."""
    is_there = " or ".join(f"json_exists(line, {_pointer(key)})" for key in keys)
    return f"case when {value} is null and not coalesce({is_there}, true) then '{default}'::json else {value} end"


def json_text(value: str) -> str:
    """SQL for the text of a JSON value: strings unquoted, anything else as written."""
    return f"case json_type({value}) when 'VARCHAR' then {value} ->> '$' else {value}::varchar end"


# -------------------------------------------------------------------------------------------------------------- CSV


def _csv_portions(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile], folder: Path
) -> tuple[list[Portion], list[Ragged]]:
    by_header: dict[tuple[str, ...], list[SourceFile]] = {}
    for file in files:
        by_header.setdefault(read_header(file, folder), []).append(file)
    portions, ragged = [], []
    for index, (header, alike) in enumerate(sorted(by_header.items())):
        match = match_columns(table, alike[0].path, header)
        name = f"read_csv_{index}"
        kinds = ", ".join(f"{_place(place)} varchar" for place in range(len(header)))
        connection.execute(f"create or replace temp table {name} (_path varchar, _row bigint, {kinds})")
        for file in alike:
            ragged += read_rows(connection, name, file, folder, header)
        cells = {column: Cell(_place(place), "text") for column, [place] in match.known.items()}
        extras = {column: _place(place) for column, place in match.extras.items()}
        original = _as_json([(column, _place(place)) for place, column in enumerate(header)])
        relation = f"(select *, rowid as _place from {name})"
        portions.append(Portion(relation, cells, extras, original, match.new_counters, match.ignored))
    return portions, ragged


def _place(place: int) -> str:
    """A column's name by position: names in files are arbitrary and may repeat."""
    return f"column_{place}"


# ---------------------------------------------------------------------------------------------------------- Parquet


def _parquet_portions(table: Table, files: Sequence[SourceFile], folder: Path) -> list[Portion]:
    import pyarrow.parquet as pq

    by_schema: dict[tuple[tuple[str, pa.DataType], ...], list[SourceFile]] = {}
    for file in files:
        try:
            schema = pq.read_schema(folder / file.path)
        except Exception as error:
            raise unreadable(file, error) from error
        columns = tuple((column.name, column.type) for column in schema)
        by_schema.setdefault(columns, []).append(file)
    return [_parquet_portion(table, columns, by_schema[columns], folder) for columns in sorted(by_schema, key=str)]


def _parquet_portion(
    table: Table, columns: "tuple[tuple[str, pa.DataType], ...]", files: Sequence[SourceFile], folder: Path
) -> Portion:
    import pyarrow as pa

    for name, kind in columns:
        # DuckDB holds 38 digits and misreads longer decimals.
        if any(pa.types.is_decimal(part) and part.precision > DECIMAL_DIGITS for part in _parts(kind)):
            raise SourceError(
                f"{files[0].path}: column {name} is {kind}, which does not fit exactly: write it as a "
                f"decimal of at most {DECIMAL_DIGITS} digits, or as text"
            )
    names, types = [name for name, _ in columns], [kind for _, kind in columns]
    match = match_columns(table, files[0].path, names)
    paths = ", ".join(literal(glob.escape(str(folder / file.path))) for file in files)
    prefix = len(str(folder)) + 2
    places = ", ".join(_place(place) for place in range(len(columns)))
    relation = (
        f"(select {places}, filename[{prefix}:] as _path, file_row_number + 1 as _row, "
        f"file_index::bigint * {2**32} + file_row_number as _place from "
        f"read_parquet([{paths}], hive_partitioning = false) as rows({places}))"
    )
    cells = {
        name: _parquet_cell(files[0].path, table, name, _place(place), types[place])
        for name, [place] in match.known.items()
    }
    extras = {name: _nested_or_text(_place(place), types[place]) for name, place in match.extras.items()}
    original = _as_json([(name, _nested_or_text(_place(n), types[n])) for n, name in enumerate(names)])
    return Portion(relation, cells, extras, original, match.new_counters, match.ignored, is_parquet=True)


def _nested_or_text(column: str, kind: "pa.DataType") -> str:
    import pyarrow as pa

    return f"to_json({column})::varchar" if pa.types.is_nested(kind) else f"{column}::varchar"


def _parquet_cell(file: str, table: Table, name: str, key: str, kind: "pa.DataType") -> Cell:
    """How to read a Parquet column. Raises `SourceError` if its type does not fit."""
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


def _parts(kind: "pa.DataType") -> Iterator["pa.DataType"]:
    """A type and all types nested in it."""
    import pyarrow as pa

    yield kind
    if pa.types.is_dictionary(kind):
        yield from _parts(kind.value_type)
    elif pa.types.is_nested(kind):
        for index in range(kind.num_fields):
            yield from _parts(kind.field(index).type)


def _object_text(sql: str, kind: "pa.DataType") -> str:
    """A map or struct as JSON text, cast to text first so that no decimal becomes a double."""
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

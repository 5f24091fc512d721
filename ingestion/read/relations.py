"""Files as DuckDB relations: every row with its file and position, values as in the file.

CSV and JSON lines stream into temporary tables of text; Parquet is read in place. Rows are not checked here, only
readability and columns.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

from ingestion.contract.model import Table
from ingestion.read.columns import Cell, Match, Portion, match_columns, place_name, row_as_json, shown_names
from ingestion.read.csv_rows import Ragged, read_header, read_rows
from ingestion.read.files import SourceFile
from ingestion.read.json_lines import ANY_LINE, read_lines
from ingestion.read.parquet import parquet_portions
from warehouse.sql_text import literal, quote

NUMBERS_QUOTED = "json_numbers_quoted"
EXACT_TYPES = {"decimal", "object"}
# Numbers that a double may not represent exactly.
LONG_NUMBER = "[0-9.]{17}|[0-9][eE]"


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
        portions += parquet_portions(table, parquet, folder)
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
        reject_ambiguous_lines(connection, column, keys, where)
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


def reject_ambiguous_lines(connection: duckdb.DuckDBPyConnection, column: str, keys: Sequence[str], where: str) -> None:
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
        kinds = ", ".join(f"{place_name(place)} varchar" for place in range(len(header)))
        connection.execute(f"create or replace temp table {name} (_path varchar, _row bigint, {kinds})")
        for file in alike:
            ragged += read_rows(connection, name, file, folder, header)
        cells = {column: Cell(place_name(place), "text") for column, [place] in match.known.items()}
        extras = {column: place_name(place) for column, place in match.extras.items()}
        original = row_as_json([(column, place_name(place)) for place, column in enumerate(header)])
        relation = f"(select *, rowid as _place from {name})"
        portions.append(Portion(relation, cells, extras, original, match.new_counters, match.ignored))
    return portions, ragged

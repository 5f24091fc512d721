"""Parquet files as DuckDB relations, read in place; a column whose type does not fit the contract is an error."""

# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.model import Table
from ingestion.errors import SourceError
from ingestion.read.columns import Cell, Portion, match_columns, place_name, row_as_json
from ingestion.read.files import SourceFile
from ingestion.read.streams import unreadable
from warehouse.sql_text import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

DECIMAL_DIGITS = 38


def parquet_portions(table: Table, files: Sequence[SourceFile], folder: Path) -> list[Portion]:
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
        if any(pa.types.is_decimal(part) and part.precision > DECIMAL_DIGITS for part in parts_of(kind)):
            raise SourceError(
                f"{files[0].path}: column {name} is {kind}, which does not fit exactly: write it as a "
                f"decimal of at most {DECIMAL_DIGITS} digits, or as text"
            )
    names, types = [name for name, _ in columns], [kind for _, kind in columns]
    match = match_columns(table, files[0].path, names)
    paths = ", ".join(literal(glob.escape(str(folder / file.path))) for file in files)
    prefix = len(str(folder)) + 2
    places = ", ".join(place_name(place) for place in range(len(columns)))
    relation = (
        f"(select {places}, filename[{prefix}:] as _path, file_row_number + 1 as _row, "
        f"file_index::bigint * {2**32} + file_row_number as _place from "
        f"read_parquet([{paths}], hive_partitioning = false) as rows({places}))"
    )
    cells = {
        name: _parquet_cell(files[0].path, table, name, place_name(place), types[place])
        for name, [place] in match.known.items()
    }
    extras = {name: nested_or_text(place_name(place), types[place]) for name, place in match.extras.items()}
    original = row_as_json([(name, nested_or_text(place_name(n), types[n])) for n, name in enumerate(names)])
    return Portion(relation, cells, extras, original, match.new_counters, match.ignored, is_parquet=True)


def nested_or_text(column: str, kind: "pa.DataType") -> str:
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
    if name not in table.column_names and not types.is_integer(kind):
        # Nobody agreed on the type of a new counter: whole numbers load, and what is none is a fault of its row.
        # As a double: of a float of 32 bits, text has the first seven digits only.
        number = f"{sql}::double" if types.is_floating(kind) else sql
        return Cell(f"regexp_replace({nested_or_text(number, kind)}, '\\.0+$', '')", "text")
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
    is_exact = column.type != "object" or not any(types.is_floating(part) for part in parts_of(kind))
    if not fits[column.type] or not is_exact:
        raise SourceError(f"{file}: column {column.name} is {kind}, but must be {PARQUET_TYPES[column.type]}")
    if column.type in {"string", "decimal", "list"} or kind == pa.uint64():
        return Cell(nested_or_text(sql, kind), "text")
    if column.type == "object":
        return Cell(_object_text(sql, kind), "text")
    return Cell(sql, "native")


def parts_of(kind: "pa.DataType") -> Iterator["pa.DataType"]:
    """A type and all types nested in it."""
    import pyarrow as pa

    yield kind
    if pa.types.is_dictionary(kind):
        yield from parts_of(kind.value_type)
    elif pa.types.is_nested(kind):
        for index in range(kind.num_fields):
            yield from parts_of(kind.field(index).type)


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

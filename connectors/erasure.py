"""A deletion request in landed files: rows about people on the suppression list are rewritten, as a load leaves them.

Keys, figures and stamps stay, so that the files tell the same history. The caches of landing have copies and are
deleted; the next landing makes them again.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import gzip
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb

from connectors.csv_lines import field_of, read_rows, split_row, value_of
from connectors.landing import LandingRoot, can_land, landing_root, state_folder
from connectors.layout import SOURCE
from ingestion.contract.model import Column, Table, load_contract
from ingestion.privacy.suppression import apply_list, replaced_columns, suppressed_rows
from settings import Settings
from warehouse.sql_text import literal, quote

logger = logging.getLogger(__name__)

SYSTEM = "erasure"
REWRITTEN = (".csv.gz", ".jsonl.gz")
# Read as written: an empty field is null, "" the empty text, and rows are in their order.
CSV_AS_TEXT = (
    "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
    "allow_quoted_nulls = false, parallel = false"
)
LONGEST_LINE_BYTES = 64 * 1024 * 1024


def erase_landed(settings: Settings) -> dict[str, int]:
    """Rewrite the landed rows of everyone on the list; returns how many, by table. Repeating it completes it."""
    # In another store nothing was landed.
    if settings.source_root is None or not can_land(settings.source_root):
        return {}
    root, folder = landing_root(settings, SYSTEM), state_folder(settings, SYSTEM)
    tables = load_contract().tables
    files = {table: root.table_files(table.source, table.name) for table in tables}
    if not any(files.values()):
        return {}
    erased: dict[str, int] = {}
    with root.hold("growth forget"), duckdb.connect() as connection:
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            if apply_list(connection, settings):
                for table, paths in files.items():
                    for path in paths:
                        place = f"landed files of {table.path}"
                        erased[place] = erased.get(place, 0) + _erase(connection, root, table, path, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return erased


def _erase(connection: duckdb.DuckDBPyConnection, root: LandingRoot, table: Table, path: str, folder: Path) -> int:
    """Rewrite one landed file, if a row in it is about somebody on the list; returns how many are."""
    if not path.endswith(REWRITTEN):
        logger.info(f"{path} is no CSV or JSON lines file of a landing and was not searched: delete in it by hand")
        return 0
    (local,) = root.fetch([path])
    written = folder / PurePosixPath(path).name
    with gzip.open(written, "wb", compresslevel=1) as target, gzip.open(local, "rb") as source:
        if table.stored == "objects":
            objects = _changed_objects(connection, table, local)
            count, rows = len(objects), _rewritten_objects(source, objects)
        else:
            changed = _changed_rows(connection, table, local)
            count, rows = len(changed), _rewritten_rows(source, changed)
        if count:
            target.writelines(row + b"\n" for row in rows)
    if count:
        root.rewrite_file(written, path)
    written.unlink()
    return count


def _changed_rows(connection: duckdb.DuckDBPyConnection, table: Table, local: Path) -> dict[int, dict[str, str | None]]:
    """New values by position of the row, from 1, and column."""
    with gzip.open(local, "rb") as file:
        names = [value_of(field) or "" for field in split_row(next(read_rows(file), b""))]
    # What landing itself adds is of no person.
    columns = [
        table.column(name) or Column(name, "string", "", nullable=True) for name in names if not name.startswith(SOURCE)
    ]
    present = [column for column in columns if column.name in names]
    replaced = replaced_columns(table, present)
    replaced = [name for name in replaced if name in names]
    if not replaced:
        return {}
    kinds = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    connection.execute(
        "create or replace temp table landed as select row_number() over () as place, * from "
        f"read_csv({literal(local)}, columns = {{{kinds}}}, {CSV_AS_TEXT}, max_line_size = {LONGEST_LINE_BYTES})"
    )
    missing = "".join(f", null::varchar as {quote(c.name)}" for c in table.columns if c.name not in names)
    rows = suppressed_rows(table, present, f"select *{missing} from landed")
    is_other = " or ".join(f"after.{quote(name)} is distinct from landed.{quote(name)}" for name in replaced)
    values = ", ".join(f"after.{quote(name)}" for name in replaced)
    found = connection.execute(
        f"select after.place, {values} from ({rows}) as after join landed using (place) where {is_other}"
    ).fetchall()
    return {place: dict(zip(replaced, new, strict=True)) for place, *new in found}


def _rewritten_rows(source: Any, changed: dict[int, dict[str, str | None]]) -> Iterator[bytes]:
    rows = read_rows(source)
    header = next(rows)
    names = [value_of(field) for field in split_row(header)]
    yield header
    for place, row in enumerate(rows, 1):
        if place not in changed:
            yield row
            continue
        fields = split_row(row)
        for name, value in changed[place].items():
            fields[names.index(name)] = field_of(value)
        yield b",".join(fields)


def _changed_objects(connection: duckdb.DuckDBPyConnection, table: Table, local: Path) -> dict[int, str]:
    """New objects by position of the line, from 1."""
    connection.execute(
        "create or replace temp table landed as select row_number() over () as place, json as payload, "
        "json_extract_string(json, '$.id') as id, null::boolean as livemode, null::timestamp as created "
        f"from read_json_objects({literal(local)}, format = 'newline_delimited', "
        f"maximum_object_size = {LONGEST_LINE_BYTES})"
    )
    rows = suppressed_rows(table, table.columns, "from landed")
    found = connection.execute(
        f"select place, after.payload::varchar from ({rows}) as after join landed using (place) "
        "where after.payload::varchar <> landed.payload::varchar"
    ).fetchall()
    return dict(found)


def _rewritten_objects(source: Any, changed: dict[int, str]) -> Iterator[bytes]:
    lines = (line.rstrip(b"\r\n") for line in source)
    for place, line in enumerate((line for line in lines if line.strip()), 1):
        yield changed[place].encode() if place in changed else line

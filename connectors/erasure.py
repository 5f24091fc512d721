"""A deletion request in landed files: rows about people on the suppression list are rewritten, as a load leaves them.

Keys, figures and stamps stay, so that the files tell the same history. The caches of landing have copies and are
deleted; the next landing makes them again.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import duckdb

from connectors.landed_rows import Changes, LandedRows, landed_rows
from connectors.landing import LandingRoot, can_land, landing_root, state_folder
from connectors.layout import REMOVED, SOURCE
from ingestion.contract.model import Column, Table, load_contract
from ingestion.errors import SourceError
from ingestion.privacy.suppression import apply_list, clear_rejects, replaced_columns, suppressed_rows
from ingestion.read.columns import place_name, plain_name
from ingestion.read.files import SourceFile
from settings import Settings
from warehouse.sql_text import literal, quote

logger = logging.getLogger(__name__)

SYSTEM = "erasure"


def erase_landed(settings: Settings) -> tuple[dict[str, int], list[str]]:
    """Rewrite the landed rows of everyone on the list. Repeating it completes it.

    Returns how many were rewritten, by table, and a sentence for each file that may still have somebody in it.
    """
    # In another store nothing was landed.
    if settings.source_root is None or not can_land(settings.source_root):
        return {}, []
    root, folder = landing_root(settings, SYSTEM), state_folder(settings, SYSTEM)
    tables = load_contract().tables
    files = {table: root.table_files(table.source, table.name) for table in tables}
    if not any(files.values()):
        return {}, []
    erased: dict[str, int] = {}
    left: list[str] = []
    with root.hold("growth forget"), duckdb.connect() as connection:
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            if apply_list(connection, settings):
                for table, paths in files.items():
                    for path in paths:
                        place = f"landed files of {table.path}"
                        count, sentences = _erase(connection, root, table, path, folder)
                        erased[place] = erased.get(place, 0) + count
                        left += sentences
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return erased, left


def _erase(
    connection: duckdb.DuckDBPyConnection, root: LandingRoot, table: Table, path: str, folder: Path
) -> tuple[int, list[str]]:
    """Rewrite one landed file, if a row in it is about somebody on the list; how many are, and what is left."""
    (local,) = root.fetch([path])
    name = PurePosixPath(path).name
    file = SourceFile(path, name[name.index(".") :], local.stat().st_size, "")
    written, left = folder / name, list[str]()
    try:
        landed = landed_rows(connection, table, file, local.parents[len(PurePosixPath(path).parts) - 1])
        find = _changed_objects if table.stored == "objects" else _changed_rows
        changes = find(connection, table, path, landed)
        if changes:
            landed.write(written, changes)
        if _is_about_somebody(connection, table, landed.unread):
            left.append(f"{path} has a row that cannot be read and is about somebody who asked to be deleted")
    except SourceError as error:
        return 0, [f"{error}: it was not searched for people who asked to be deleted"]
    # The words of a library may quote the row.
    except Exception as error:  # noqa: BLE001
        return 0, [f"{path} could not be searched or rewritten ({type(error).__name__})"]
    if changes:
        root.rewrite_file(written, path)
    written.unlink(missing_ok=True)
    return len(changes), left


def _changed_rows(connection: duckdb.DuckDBPyConnection, table: Table, path: str, landed: LandedRows) -> Changes:
    places = _columns(table, path, landed)
    columns = [table.column(name) or Column(name, "string", "", nullable=True) for name in places]
    replaced = replaced_columns(table, columns)
    if not replaced:
        return {}
    texts = {name: ", ".join(map(place_name, of_name)) for name, of_name in places.items()}
    values = "".join(f", coalesce({texts[name]}) as {quote(name)}" for name in places)
    missing = "".join(f", null::varchar as {quote(c.name)}" for c in table.columns if c.name not in places)
    connection.execute(
        f"create or replace temp table landed as select position as _position{values}{missing} from ({landed.relation})"
    )
    rows = suppressed_rows(table, columns, "from landed")
    is_other = " or ".join(f"after.{quote(name)} is distinct from landed.{quote(name)}" for name in replaced)
    new = ", ".join(f"after.{quote(name)}" for name in replaced)
    found = connection.execute(
        f"select _position, {new} from ({rows}) as after join landed using (_position) where {is_other}"
    ).fetchall()
    return {
        position: {place: value for name, value in zip(replaced, values, strict=True) for place in places[name]}
        for position, *values in found
    }


def _columns(table: Table, path: str, landed: LandedRows) -> dict[str, list[int]]:
    """The places of a file's columns by name. Each that the contract does not know has a name of its own.

    Raises `SourceError` if whom a row is about could be nowhere in the file.
    """
    # What landing itself adds is of no person.
    own = {f"{SOURCE}{table.stamp}", f"{SOURCE}{REMOVED}"} if table.stored == "versions" else set()
    places: dict[str, list[int]] = {}
    for place, name in enumerate(landed.names):
        if name not in own:
            known = plain_name(name)
            places.setdefault(known if table.column(known) else f"beyond {place}", []).append(place)
    needed = {place for _, place in table.subjects} | {column.name for column in table.columns if column.personal}
    missing = [c.name for c in table.columns if c.name in needed and not c.may_be_missing and c.name not in places]
    if landed.names and missing:
        raise SourceError(f"{path} has no column {', '.join(missing)}")
    return places


def _changed_objects(connection: duckdb.DuckDBPyConnection, table: Table, path: str, landed: LandedRows) -> Changes:
    connection.execute(
        "create or replace temp table landed as select position as _position, column_0::json as payload, "
        "json_extract_string(column_0, '$.id') as id, null::boolean as livemode, null::timestamp as created "
        f"from ({landed.relation})"
    )
    rows = suppressed_rows(table, table.columns, "from landed")
    found = connection.execute(
        f"select _position, after.payload::varchar from ({rows}) as after join landed using (_position) "
        "where after.payload::varchar <> landed.payload::varchar"
    ).fetchall()
    return {position: {0: payload} for position, payload in found}


def _is_about_somebody(connection: duckdb.DuckDBPyConnection, table: Table, texts: Sequence[str]) -> bool:
    """Whether a text that is no row has an address, domain or key that is on the list."""
    connection.execute(
        f"create or replace temp table unread as select {literal(table.raw_name)} as table_name, '' as reason, "
        "unnest(?::varchar[]) as original_text",
        [list(texts)],
    )
    return clear_rejects(connection, "unread") > 0

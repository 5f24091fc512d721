"""The columns of a file: which column of the contract each is, and how its values are read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from ingestion.contract.model import Column, Table
from ingestion.errors import SourceError
from warehouse.sql_text import literal

# Names reserved by the load; dlt reserves those that begin with `_dlt`.
OWN_NAMES = {"_path", "_row", "_row_hash", "_deleted", "_fault", "_is_bad", "_place", "_is_about", "_values", "_rank"}
UNNAMED = "unnamed"
SHOWN_NAMES = 20
# PostgreSQL's limit; a longer text is not a column name.
LONGEST_NAME = 63

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
        if table.column(plain_name(name)):
            known.setdefault(plain_name(name), []).append(place)
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


def plain_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.strip().lower())


def _folded(name: str) -> str:
    """The raw name of an extra column, in a form that dlt does not change."""
    return re.sub(r"^_+|^(?=[0-9])|_+(?=[0-9])", "_", re.sub(r"_{3,}", "__", plain_name(name).rstrip("_")))


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
        numbered = (raw_name, *(f"{raw_name}_{number}" for number in range(2, len(columns) + 2)))
        found[next(name for name in numbered if name not in found and not table.column(name))] = place
    return found


def place_name(place: int) -> str:
    """A column's name by position: names in files are arbitrary and may repeat."""
    return f"column_{place}"


def row_as_json(texts: Sequence[tuple[str, str]]) -> str:
    # A statement cannot contain a NUL character, but a column name can.
    pairs = ", ".join(f"{literal(name.replace(chr(0), '?'))}, {text}" for name, text in texts)
    return f"json_object({pairs})::varchar"

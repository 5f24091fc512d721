"""Check a mapping against the database before anything is landed: every fault of every table, as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import psycopg
from psycopg import sql

from connectors.mapping import TableMapping
from connectors.postgres.connection import SYSTEM
from connectors.postgres.select import given_rows
from ingestion.contract.model import Column, Table

WHOLE = {"int2", "int4", "int8"}
TEXTS = {"text", "varchar", "bpchar", "name", "citext"}
# The types of PostgreSQL that COPY writes as the contract reads them. Texts are, too: the load checks each value.
FITTING = {
    "string": {"uuid", *WHOLE, "numeric", "enum"},
    "int": {*WHOLE, "numeric"},
    "decimal": {*WHOLE, "numeric"},
    "bool": {"bool"},
    "date": {"date"},
    "timestamp": {"timestamptz"},
    "list": {"json", "jsonb"},
    "object": {"json", "jsonb"},
}
# What to write instead, by the type that does not fit.
CASTS = {
    ("timestamp", "timestamp"): "{name} at time zone 'UTC' as {name}, with the zone that it is in",
    ("timestamp", "date"): "{name}::timestamp at time zone 'UTC' as {name}",
    ("timestamp", "int4"): "to_timestamp({name}) as {name}",
    ("timestamp", "int8"): "to_timestamp({name}) as {name}",
    ("date", "timestamp"): "{name}::date as {name}",
    ("date", "timestamptz"): "({name} at time zone 'UTC')::date as {name}",
    ("decimal", "float4"): "{name}::numeric as {name}",
    ("decimal", "float8"): "{name}::numeric as {name}",
    ("decimal", "money"): "{name}::numeric as {name}",
    ("int", "float8"): "{name}::bigint as {name}",
    ("int", "bool"): "{name}::int as {name}",
    ("bool", "int4"): "{name} <> 0 as {name}",
}


@dataclass(frozen=True)
class Given:
    """What the select of a table gives: its columns, and the faults that keep it from being landed."""

    names: tuple[str, ...]
    faults: tuple[str, ...]


def describe(connection: psycopg.Connection, path: Path, table: Table, mapping: TableMapping) -> Given:
    """Describe the select of a table without reading a row, and compare it with the contract."""
    name, where = f"{table.source}.{table.name}", f"correct its select in {path}"
    try:
        with connection.transaction():
            cursor = connection.execute(sql.SQL("select * from {rows} limit 0").format(rows=given_rows(mapping)))
            described = [(column.name, column.type_code) for column in cursor.description or ()]
            types = _type_names(connection, [code for _, code in described])
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        return Given((), (f"{SYSTEM}: the select of {name} fails ({said}): {where}",))
    names = [column for column, _ in described]
    faults = [
        *_faults_of_names(table, names),
        *(fault for column, code in described if (fault := _fault_of_type(table, column, types[code]))),
    ]
    return Given(tuple(names), tuple(f"{SYSTEM}: {name}: {fault} ({where})" for fault in faults))


def _type_names(connection: psycopg.Connection, codes: Sequence[int]) -> dict[int, str]:
    """Names of types by number. A domain counts as the type below it, a company's enumeration as `enum`."""
    rows = connection.execute(
        "select own.oid, case when coalesce(base.typtype, own.typtype) = 'e' then 'enum' "
        "else coalesce(base.typname, own.typname) end from pg_type as own "
        "left join pg_type as base on own.typtype = 'd' and base.oid = own.typbasetype where own.oid = any(%s)",
        [list(codes)],
    ).fetchall()
    return {oid: str(type_name) for oid, type_name in rows}


def _faults_of_names(table: Table, names: Sequence[str]) -> list[str]:
    faults = [f"the select gives {each} twice" for each in dict.fromkeys(names) if names.count(each) > 1]
    for each in dict.fromkeys(names):
        if table.column(each) is None and each != "removed_at":
            close = get_close_matches(each, table.column_names, n=1)
            hint = f"did you mean {close[0]}?" if close else "take it out"
            faults.append(f"the select gives {each}, which the contract does not have: {hint}")
    # Without a stamp of its own, a version gets the instant at which it was landed.
    stamp = table.stamp if table.stored == "versions" else None
    missing = [c.name for c in table.columns if not c.may_be_missing and c.name not in names and c.name != stamp]
    if missing:
        faults.append(f"the select does not give {', '.join(missing)}, which every row needs")
    return faults


def _fault_of_type(table: Table, name: str, type_name: str) -> str | None:
    column = table.column(name)
    if column is None or type_name in TEXTS | FITTING[column.type] or type_name == "unknown":
        return None
    return f"{name} is {_shown(type_name)}, which is not {_kind(column)}: write {_cast(column, type_name)}"


def _cast(column: Column, type_name: str) -> str:
    if type_name.startswith("_") and column.type == "list":
        return f"to_json({column.name}) as {column.name}"
    cast = CASTS.get((column.type, type_name))
    if cast is None:
        cast = f"an expression whose type is {' or '.join(sorted(FITTING[column.type]))}"
    return cast.format(name=column.name)


def _kind(column: Column) -> str:
    return {
        "string": "a text",
        "int": "a whole number",
        "decimal": "an exact number",
        "bool": "true or false",
        "date": "a day",
        "timestamp": "an instant with a zone",
        "list": "a JSON list",
        "object": "a JSON object",
    }[column.type]


def _shown(type_name: str) -> str:
    names = {"timestamp": "timestamp without time zone", "float8": "double precision", "float4": "real"}
    return f"an array of {type_name[1:]}" if type_name.startswith("_") else names.get(type_name, type_name)

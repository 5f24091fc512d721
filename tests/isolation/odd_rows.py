"""Rows that break the input contract, one kind each: a good row of a table with one thing wrong in it.

The kinds follow from the contract: every column of every table gets each fault that its type can have, and every field
of Stripe's objects too, in the older and in the newer shape. So a column that is added to the contract is tried here
without a line of code.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.contract.model import Column, Field, Table, load_contract

DAY = "2026-10-20"
INSTANT = f"{DAY}T09:00:00Z"
UNIX = 1791010800

NULL_WORDS = ("NULL", "None", "nan", "n/a", "-", "\\N", "", " ")
NOT_TEXT = (7, True, {"a": 1}, ["a"])
NUL = "a\u0000b"
FAULTS: dict[str, tuple[Any, ...]] = {
    "timestamp": (
        "1970-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z",
        "2026-10-05T00:00:00+99:99",
        "2026-10-05T00:00:00",
        "2026-10-05",
        "05.10.2026 09:00",
        "2026-02-30T00:00:00Z",
        "yesterday",
        1790812800000,
    ),
    "date": ("1970-01-01", "9999-12-31", "2026-02-30", "05.10.2026", "yesterday", 20261005),
    "int": ("seven", 7.5, 2**63, 10**30, "0x10"),
    "decimal": (10**20, "1,5", "NaN", "Infinity", "a lot"),
    "count": ("seven", 7.5, 0, -1, 10_000),
    "bool": ("yes", 2, "maybe"),
    "list": ("a", 7, {"a": "b"}),
    "object": ("a", 7, ["a"], {"product_analytics": "a lot"}, {"product_analytics": 10**20}),
    "string": (NUL, *NOT_TEXT),
    "unix_seconds": (0, 4_200_000_000, -1, "yesterday", 1790812800000),
    "amounts": ("a", 7, [{"amount": "a lot"}]),
}
LINES = {
    "line_is_cut": '{{"{key}": "odd-cut',
    "line_is_a_list": '["{key}"]',
    "line_is_a_number": "7",
    "line_is_a_comment": "// {key}",
    "line_has_two_objects": '{{"{key}": "odd-a"}} {{"{key}": "odd-b"}}',
    "line_has_half_a_character": '{{"{key}": "odd-\\ud800"}}',
    "line_is_nested_without_end": '{{"{key}": ' + "[" * 5000 + "]" * 5000 + "}}",
}


@dataclass(frozen=True)
class OddRow:
    """A line of a table's file; `column` is what the load names, None where the line is no row at all."""

    name: str
    table: str
    line: str
    column: str | None


def odd_rows() -> list[OddRow]:
    """Every kind, each with a key of its own."""
    rows: list[OddRow] = []
    for table in load_contract().tables:
        faults = _stripe_faults(table) if table.stored == "objects" else _column_faults(table)
        rows += [*faults, *_broken_lines(table)]
    return rows


def odd_file(table: str) -> str:
    """Where the odd rows of a table stand in a source root."""
    folder = f"{table}/date={DAY}" if table == "usage/usage_reports" else table
    return f"{folder}/odd.jsonl"


def write_odd_rows(source: Path, rows: Iterable[OddRow]) -> dict[tuple[str, int], OddRow]:
    """Add rows to files of their own in a source root; which of them stands where."""
    places: dict[tuple[str, int], OddRow] = {}
    lines: dict[str, list[str]] = {}
    for row in rows:
        file = odd_file(row.table)
        lines.setdefault(file, []).append(row.line)
        places[file, len(lines[file])] = row
    for file, of_file in lines.items():
        path = source / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in of_file), encoding="utf-8")
    return places


def good_row(table: Table, number: int) -> dict[str, Any]:
    """A row that keeps the contract, with a key that no other number has."""
    values: dict[str, Any] = {column.name: _good_value(table, column, number) for column in table.columns}
    return values | {name: value for name, value in _together(table, number).items() if name in values}


def _together(table: Table, number: int) -> dict[str, Any]:
    """Values that a rule beyond their own column asks for."""
    return {
        "organization_id": "org-acme" if table.source == "billing" else f"odd-{table.raw_name}-{number}",
        "canonical_organization_id": "org-acme",
        "received_at": "2026-10-21T01:00:00Z",
        "account_id": f"odd-account-{number}",
    }


def _good_value(table: Table, column: Column, number: int) -> Any:
    if column.allowed:
        return column.allowed[0]
    if column.name in table.key and column.type in {"string", "int"}:
        return 1_000_000 + number if column.type == "int" else f"odd-{table.raw_name}-{number}"
    good = {
        "string": "odd",
        "int": 1,
        "decimal": 1,
        "bool": False,
        "date": DAY,
        "timestamp": INSTANT,
        "list": [],
        "object": {},
    }
    return None if column.nullable else good[column.type]


def _column_faults(table: Table) -> Iterator[OddRow]:
    number = 0
    for column in table.columns:
        values = [*FAULTS[column.type]]
        if not column.nullable:
            values.append(None)
        if column.allowed:
            values.append(99 if column.type == "int" else "MARS")
        if column.name in table.key or column.link:
            values += NULL_WORDS if column.type == "string" else ()
        if column.minimum is not None:
            values.append(column.minimum - 1)
        if column.maximum is not None:
            values.append(column.maximum + 1)
        for value in values:
            number += 1
            line = json.dumps(good_row(table, number) | {column.name: value})
            yield OddRow(f"{table.path}.{column.name} is {_shown(value)}", table.path, line, column.name)


def _stripe_faults(table: Table) -> Iterator[OddRow]:
    number = 0
    for is_new_shape in (False, True):
        for field in table.fields:
            for value in _field_faults(field):
                number += 1
                found = _stripe_object(table, number, is_new_shape=is_new_shape)
                path = field.any_of[-1 if is_new_shape else 0]
                target = found["lines"]["data"][0] if field.of_lines else found
                _put(target, path, value)
                column = f"lines.data[].{field.any_of[0]}" if field.of_lines else field.any_of[0]
                shape = "new" if is_new_shape else "old"
                name = f"{table.path}.{column} is {_shown(value)}, {shape} shape"
                yield OddRow(name, table.path, json.dumps(found), column)
        yield from _faults_of_stubs_and_second_paths(table, is_new_shape)


def _faults_of_stubs_and_second_paths(table: Table, is_new_shape: bool) -> Iterator[OddRow]:
    """Values that nothing needs: those of a deleted object, and of a path whose better one is there."""
    shape = "new" if is_new_shape else "old"
    for number, field in enumerate(field for field in table.fields if field.type == "int"):
        column = f"lines.data[].{field.any_of[0]}" if field.of_lines else field.any_of[0]
        of_stub = _stripe_object(table, 10_000 + number, is_new_shape=is_new_shape) | {"deleted": True}
        _put(of_stub["lines"]["data"][0] if field.of_lines else of_stub, field.any_of[0], "seven")
        yield OddRow(f"{table.path}.{column} of a stub, {shape} shape", table.path, json.dumps(of_stub), column)
        if len(field.any_of) > 1:
            both = _stripe_object(table, 20_000 + number, is_new_shape=is_new_shape)
            target = both["lines"]["data"][0] if field.of_lines else both
            _put(target, field.any_of[0], 100)
            _put(target, field.any_of[-1], "seven")
            yield OddRow(f"{table.path}.{column}, second path, {shape} shape", table.path, json.dumps(both), column)


def _field_faults(field: Field) -> list[Any]:
    if field.type == "list":
        return ["a", 7, {"a": 1}]
    values = [value for value in FAULTS[field.type] if not (field.type == "string" and value is NUL)]
    if field.needed == "always":
        values.append(None)
    return [*values, "MARS"] if field.allowed else values


def _stripe_object(table: Table, number: int, *, is_new_shape: bool) -> dict[str, Any]:
    """A good object of the table, in one of the two shapes, of a customer that no organization has."""
    shape = "new" if is_new_shape else "old"
    found: dict[str, Any] = {"id": f"odd_{table.raw_name}_{shape}_{number}", "object": table.name[:-1]}
    line: dict[str, Any] = {}
    for field in table.fields:
        if field.type != "list":
            path = field.any_of[-1 if is_new_shape else 0]
            _put(line if field.of_lines else found, path, _good_field(field))
    if line:
        line |= {"id": "odd_line", "period": {"start": UNIX, "end": UNIX + 86400}}
        found["lines"] = {"data": [line], "has_more": False}
    return found


def _good_field(field: Field) -> Any:
    if field.allowed:
        return field.allowed[0]
    return {"bool": True, "int": 100, "count": 1, "unix_seconds": UNIX, "amounts": [], "string": "odd"}[field.type]


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[name] = copy.deepcopy(value)


def _broken_lines(table: Table) -> Iterator[OddRow]:
    key = table.key[0] if table.stored != "objects" else "id"
    for name, line in LINES.items():
        column = key if name == "line_has_half_a_character" else None
        yield OddRow(f"{table.path}: {name}", table.path, line.format(key=key), column)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else f"{text[:36]} …"

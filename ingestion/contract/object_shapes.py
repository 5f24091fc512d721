"""The parts of a Stripe object that the load reads and that a deletion keeps."""

import json
from typing import Any

from ingestion.contract.model import Table
from warehouse.sql_text import literal

LINES = "lines.data"


def read_shape(table: Table) -> dict[str, Any]:
    """The fields to read, as a `from_json` shape: DuckDB parses each object once."""
    shape: dict[str, Any] = {"id": "JSON", "deleted": "JSON"}
    line_shape: dict[str, Any] = {"id": "JSON"}
    for field in table.fields:
        for path in field.any_of:
            if path != LINES:
                _put(line_shape if field.of_lines else shape, path)
    if has_lines(table):
        shape["lines"] = {"data": [line_shape], "has_more": "JSON"}
    return shape


def kept_shape(table: Table) -> str:
    """The fields kept of a deleted person's object, as a `from_json` shape."""
    shape = read_shape(table)
    for path in (*(place for _, place in table.subjects), *table.kept):
        of_line = path.removeprefix(f"{LINES}[].")
        _put(shape if of_line == path else shape["lines"]["data"][0], of_line)
    return literal(json.dumps(shape))


def _put(shape: dict[str, Any], path: str) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        shape = shape.setdefault(parent, {})
    shape[name] = "JSON"


def has_lines(table: Table) -> bool:
    return any(field.any_of == (LINES,) for field in table.fields)

"""Rows of many customers as one compact text for the page: columns, repeated values once, gzip, base64.

The text holds JSON: `customers`, the ids; `tables`, by name `columns` and `starts`. Rows `starts[i]` up to
`starts[i + 1]` are those of customer `i`. A column is `{"values": [...], "codes": [...]}` if values repeat, else a
list. `static/scripts/customer_data.js` reads it.
"""

import base64
import gzip
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any

# A column with fewer different values than this share of its rows is written as codes.
REPEATS = 0.5


@dataclass(frozen=True)
class CustomerTable:
    """Rows sorted by the customer's place, which is the first value of each row; `columns` names the others."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def pack(customer_ids: Sequence[str], tables: Sequence[CustomerTable], facts: dict[str, Any]) -> str:
    """The text, with `facts` beside customers and tables. The same input gives the same text."""
    packed = {
        **facts,
        "customers": customer_ids,
        "tables": {table.name: _packed(table, len(customer_ids)) for table in tables},
    }
    written = json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode()
    # The highest level takes three times as long for a hundredth less.
    return base64.b64encode(gzip.compress(written, compresslevel=6, mtime=0)).decode()


def _packed(table: CustomerTable, customers: int) -> dict[str, Any]:
    counts = [0] * customers
    for row in table.rows:
        counts[row[0]] += 1
    columns = list(zip(*table.rows, strict=True))[1:] if table.rows else [()] * len(table.columns)
    return {
        "starts": [0, *accumulate(counts)],
        "columns": {name: _column(values) for name, values in zip(table.columns, columns, strict=True)},
    }


def _column(values: Sequence[Any]) -> Any:
    if values and not isinstance(values[0], list):
        # Values repeat: each is written once.
        written = {value: _plain(value) for value in set(values)}
        plain = [written[value] for value in values]
    else:
        plain = [_plain(value) for value in values]
    if plain and not isinstance(plain[0], list):
        different = dict.fromkeys(plain)
        if len(different) < REPEATS * len(plain):
            places = {value: place for place, value in enumerate(different)}
            return {"values": list(different), "codes": [places[value] for value in plain]}
    return plain


def _plain(value: Any) -> Any:
    """A JSON value: dates as text, decimals as the shortest number."""
    if isinstance(value, Decimal | float):
        number = float(value)
        if not math.isfinite(number):
            return None
        return int(number) if number == int(number) else number
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value

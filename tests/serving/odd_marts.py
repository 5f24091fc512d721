"""The hand-made company of the page with something odd in every table that the page reads."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tests.serving.company_on_the_page import DATA_DAY, HOSTILE_NAME, MONTHS, ROWS
from tests.serving.published_marts import described_marts

Rows = dict[str, list[dict[str, Any]]]

ODD_NAMES = (
    HOSTILE_NAME,
    "quote \" and ' and `${x}` {{ x }}",
    "</table></script><!-- <style>body{display:none}",
    "\u202eevil \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f469\u200d\U0001f680\U0001f1eb\U0001f1f7 rockets",
    "=cmd()|' /C calc'!A0",
    "\x00\x07 control",
    "long " * 2000,
    "",
)
HUGE = 10**13


def columns() -> dict[str, dict[str, tuple[str, bool]]]:
    """Of every mart the columns with their type and whether they may be null."""
    return {
        mart: {
            name: (column["data_type"], {"type": "not_null"} not in column.get("constraints", []))
            for name, column in columns.items()
        }
        for mart, columns in described_marts().items()
    }


def _each(change: Callable[[str, str, Any], Any]) -> Rows:
    """The company with every value changed; the change takes the column, its type and the value."""
    types = columns()
    return {
        table: [{name: change(name, types[table][name][0], value) for name, value in row.items()} for row in rows]
        for table, rows in ROWS.items()
    }


def without_rows() -> Rows:
    """No mart has a row."""
    return {}


def with_one_row() -> Rows:
    """Every mart has one row, which is the company's first."""
    return {table: rows[:1] for table, rows in ROWS.items()}


def of_one_organization() -> Rows:
    """The tables that name a customer hold one, and the others all that they hold."""
    return {table: [row for row in rows if row.get("customer_id", "c1") == "c1"] for table, rows in ROWS.items()}


def with_nulls() -> Rows:
    """Null in every column that may be null."""
    types = columns()
    return {
        table: [{name: None if types[table][name][1] else value for name, value in row.items()} for row in rows]
        for table, rows in ROWS.items()
    }


def with_huge_values() -> Rows:
    """Ten trillion, or the largest number that the column's type holds."""
    return _each(lambda _, kind, value: _largest(kind) if _is_number(value) else value)


def with_negative_values() -> Rows:
    """Ten trillion below zero, or the smallest number that the column's type holds."""
    return _each(lambda _, kind, value: -_largest(kind) if _is_number(value) else value)


def with_zeros() -> Rows:
    """Zero in every number."""
    return _each(lambda _, __, value: 0 if _is_number(value) else value)


def with_unknown_words() -> Rows:
    """Markup in every text, keys and kinds too."""
    return _each(lambda _, __, value: HOSTILE_NAME if isinstance(value, str) else value)


def with_odd_names() -> Rows:
    """Customers with names as nobody should have them."""
    customers = [{**row, "name": ODD_NAMES[i % len(ODD_NAMES)]} for i, row in enumerate(ROWS["dim_customers"])]
    return {**ROWS, "dim_customers": customers}


def of_one_month() -> Rows:
    """History begins in the last closed month."""
    return {table: [row for row in rows if _month_of(row) in (None, MONTHS[-1])] for table, rows in ROWS.items()}


def with_gaps() -> Rows:
    """Every second month has no row."""
    return {
        table: [row for row in rows if (month := _month_of(row)) is None or month.month % 2]
        for table, rows in ROWS.items()
    }


def without_a_base() -> Rows:
    """Nobody was in the base of retention in some months, and in the last one."""
    nobody = {
        "customers_in_base": 0,
        "base_mrr_usd_month": 0,
        "current_mrr_usd_month": 0,
        "ndr": None,
        "gdr": None,
        "logo_retention": None,
    }
    rows = [row if row["month"].month in (5, 6, 9) else {**row, **nobody} for row in ROWS["rpt_retention"]]
    return {**ROWS, "rpt_retention": rows}


def _month_of(row: dict[str, Any]) -> date | None:
    day = row.get("month") or row.get("as_of")
    return day.replace(day=1) if isinstance(day, date) and day <= DATA_DAY else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _largest(kind: str) -> int:
    decimal = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", kind)
    if decimal:
        return min(HUGE, 10 ** (int(decimal[1]) - int(decimal[2])) - 1)
    return HUGE if kind in ("bigint", "double") else 2**31 - 1


ODD = (
    without_rows,
    with_one_row,
    of_one_organization,
    with_nulls,
    with_huge_values,
    with_negative_values,
    with_zeros,
    with_unknown_words,
    with_odd_names,
    of_one_month,
    with_gaps,
    without_a_base,
)

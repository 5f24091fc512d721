"""The blocks of a section: figures, charts and tables, with formatted values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

# More rows than anyone scrolls through; the table in the published file has all of them.
SHOWN_ROWS = 500
UNKNOWN = "not known"

Kind = Literal["text", "words", "money", "cents", "number", "percent", "date", "person"]
Tone = Literal["", "good", "warning", "bad"]
# Width of a block on a wide screen.
Span = Literal["whole", "half", "third"]
ACRONYMS = {word: word.upper() for word in ("ae", "ai", "arr", "crm", "csm", "db", "icp", "llm", "mrr", "yc")}


@dataclass(frozen=True)
class Figure:
    """A number with its name and what to compare it with."""

    name: str
    value: str
    beside: str = ""
    tone: Tone = ""
    # Share of a target from 0 to 1, drawn as a bar.
    share: float | None = None
    # Error for the log, if the figure could not be computed.
    fault: str = ""


@dataclass(frozen=True)
class Figures:
    figures: Sequence[Figure]
    title: str = ""
    span: Span = "whole"
    kind: str = "figures"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart with a text description for screen readers."""

    key: str
    title: str
    description: str
    specification: dict[str, Any]
    span: Span = "half"
    kind: str = "chart"


@dataclass(frozen=True)
class Header:
    """A table column: title, format, and whether the page offers a filter for it."""

    title: str
    kind: Kind = "text"
    is_filter: bool = False


@dataclass(frozen=True)
class PageCell:
    """A cell's text and sort key."""

    text: str
    order: str


@dataclass(frozen=True)
class PageTable:
    """A sortable, searchable table. Print and pages without scripts show every row."""

    key: str
    title: str
    columns: Sequence[Header]
    rows: Sequence[Sequence[object]]
    empty: str
    source: str
    span: Span = "whole"
    cells: list[list[PageCell]] = field(init=False)
    kind: str = "table"

    def __post_init__(self) -> None:
        cells = [
            [
                PageCell(write(value, column.kind), _order(value))
                for value, column in zip(row, self.columns, strict=True)
            ]
            for row in self.rows[:SHOWN_ROWS]
        ]
        object.__setattr__(self, "cells", cells)


@dataclass(frozen=True)
class Note:
    """A sentence in place of a block that is missing or failed."""

    text: str
    # Error type and message for the log. A message may contain a name, so the page does not show it.
    fault: str = ""
    span: Span = "whole"
    kind: str = "note"


Block = Figures | Chart | PageTable | Note


def write(value: object, kind: Kind) -> str:
    """Format a value for readers; missing values become a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, date | datetime):
        return f"{value.day} {value:%b %Y}"
    if kind == "words":
        return words(str(value))
    if kind == "person":
        return str(value).partition("@")[0]
    if isinstance(value, int | float | Decimal):
        return _write_number(value, kind)
    return str(value)


def _write_number(value: int | float | Decimal, kind: str) -> str:
    if kind == "money":
        return money(value)
    if kind == "cents":
        return f"{'−' if value < 0 else ''}${abs(value):,.2f}"
    if kind == "percent":
        return percent(value)
    return (f"{int(value):,}" if value == int(value) else f"{value:,.2f}").replace("-", "−")


def money(dollars: int | float | Decimal) -> str:
    """Whole dollars."""
    return f"{'−' if dollars < 0 else ''}${abs(dollars):,.0f}"


def short_money(dollars: int | float | Decimal | None) -> str:
    """Dollars in about three digits, for the headline figures; a dash if missing."""
    if dollars is None:
        return "–"
    size = abs(float(dollars))
    for unit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            scaled = size / unit
            text = f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}"
            text = text.rstrip("0").rstrip(".") if "." in text else text
            return f"{'−' if dollars < 0 else ''}${text}{letter}"
    return money(dollars)


def percent(share: int | float | Decimal | None) -> str:
    """A share (1 is all) as percent, without needless decimals; a dash if missing."""
    if share is None or not math.isfinite(share):
        return "–"
    hundred = float(share) * 100
    digits = 0 if abs(hundred) >= 100 or hundred == int(hundred) else 1
    return f"{hundred:.{digits}f} %".replace("-", "−")


def words(key: str) -> str:
    """Turn a key such as `first_bill` into words."""
    text = " ".join(ACRONYMS.get(word, word) for word in key.split("_"))
    return text[:1].upper() + text[1:]


def _order(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)

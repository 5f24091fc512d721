"""What a section is made of: figures, charts and tables, with their values already written as a person reads them."""

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
# How much of the page's width a block takes on a wide screen.
Span = Literal["whole", "half", "third"]
ACRONYMS = {word: word.upper() for word in ("ae", "ai", "arr", "crm", "csm", "db", "icp", "llm", "mrr", "yc")}


@dataclass(frozen=True)
class Figure:
    """One number with its name, and beside it what it is to be held against."""

    name: str
    value: str
    beside: str = ""
    tone: Tone = ""
    # Share of a target from 0 to 1, drawn as a bar.
    share: float | None = None
    # Why it could not be shown, for those who mend it.
    fault: str = ""


@dataclass(frozen=True)
class Figures:
    """Numbers side by side, under a title of their own where there are several groups of them."""

    figures: Sequence[Figure]
    title: str = ""
    span: Span = "whole"
    kind: str = "figures"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart, and in words what it shows for those who do not see it."""

    key: str
    title: str
    description: str
    specification: dict[str, Any]
    span: Span = "half"
    kind: str = "chart"


@dataclass(frozen=True)
class Header:
    """A column of a table: its title, how its values are written, and whether readers choose rows by it."""

    title: str
    kind: Kind = "text"
    is_filter: bool = False


@dataclass(frozen=True)
class PageCell:
    """A value as it is shown, and as it is sorted."""

    text: str
    order: str


@dataclass(frozen=True)
class PageTable:
    """Rows that can be sorted, searched and chosen by column; in print and without scripts they are all there."""

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
    """A sentence in the place of what is not shown; with a fault, of what could not be."""

    text: str
    # For those who mend it: the error's kind and message. A message may hold a name, so the page does not show it.
    fault: str = ""
    span: Span = "whole"
    kind: str = "note"


Block = Figures | Chart | PageTable | Note


def write(value: object, kind: Kind) -> str:
    """A value as a person reads it; what is not known is a dash."""
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
    """Dollars in three digits or so, for figures that are read from across a room; a dash if they are not known."""
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
    """A share (1 is all) in percent, with as many digits as say something; a dash if it is not known."""
    if share is None or not math.isfinite(share):
        return "–"
    hundred = float(share) * 100
    digits = 0 if abs(hundred) >= 100 or hundred == int(hundred) else 1
    return f"{hundred:.{digits}f} %".replace("-", "−")


def words(key: str) -> str:
    """A key such as `first_bill` as words."""
    text = " ".join(ACRONYMS.get(word, word) for word in key.split("_"))
    return text[:1].upper() + text[1:]


def _order(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)

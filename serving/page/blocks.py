"""The blocks of a section: figures, charts and tables, with formatted values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

# More rows than anyone scrolls through; the table in the published file has all of them.
SHOWN_ROWS = 200
UNKNOWN = "not known"

Kind = Literal[
    "text", "words", "money", "cents", "number", "percent", "date", "month", "person", "customer", "late", "unit"
]  # fmt: skip
Tone = Literal["", "good", "warning", "bad"]
# Width of a block on a wide screen.
Span = Literal["whole", "half", "third"]
ACRONYMS = {word: word.upper() for word in ("ae", "ai", "arr", "crm", "cs", "csm", "db", "icp", "llm", "mrr", "yc")}
# Keys whose words are written in another way.
WRITTEN = {"product_led_leads": "Product-led leads", "revops": "RevOps"}


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
    """A table column: title, format, whether the page offers a filter for it, and whether a phone's card shows it.

    A column of kind `customer` holds `{"id": ..., "name": ...}`; one of kind `late` days after a due day, or words.
    """

    title: str
    kind: Kind = "text"
    is_filter: bool = False
    is_on_card: bool = False


@dataclass(frozen=True)
class PageCell:
    """A cell's text and sort key, and the customer whose page it opens."""

    text: str
    order: str
    customer_id: str | None = None


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
            [_cell(value, column.kind) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows[:SHOWN_ROWS]
        ]
        object.__setattr__(self, "cells", cells)

    @property
    def has_cards(self) -> bool:
        """Whether some columns are for a phone's card, and the others are not."""
        return any(column.is_on_card for column in self.columns)

    @property
    def customer_ids(self) -> list[str]:
        """Customers whose names the table shows, from top to bottom."""
        return [cell.customer_id for row in self.cells for cell in row if cell.customer_id]


@dataclass(frozen=True)
class HeatMap:
    """Shares by cohort and month since; a null share is blank: too young, or not known."""

    title: str
    first_heading: str
    # Of each cohort its name, its size in words, and a share from 0 for each month since.
    rows: Sequence[tuple[str, str, Sequence[float | None]]]
    note: str
    span: Span = "half"
    kind: str = "heat_map"


@dataclass(frozen=True)
class Note:
    """A sentence in place of a block that is missing or failed."""

    text: str
    # Error type and message for the log. A message may contain a name, so the page does not show it.
    fault: str = ""
    span: Span = "whole"
    kind: str = "note"


Block = Figures | Chart | PageTable | HeatMap | Note


def write(value: object, kind: Kind) -> str:
    """Format a value for readers; missing values become a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, date | datetime):
        return f"{value:%b %Y}" if kind == "month" else f"{value.day} {value:%b %Y}"
    if isinstance(value, dict):
        return value["name"] or value["id"]
    if isinstance(value, int | float | Decimal) and kind not in ("words", "person"):
        return _write_number(value, kind)
    return _write_text(str(value), kind)


def _write_text(text: str, kind: str) -> str:
    if kind == "words":
        return words(text)
    return text.partition("@")[0] if kind == "person" else text


def _write_number(value: int | float | Decimal, kind: str) -> str:
    if kind == "money":
        return money(value)
    if kind == "cents":
        return f"{'−' if value < 0 else ''}${abs(value):,.2f}"
    if kind == "percent":
        return percent(value)
    if kind == "late":
        return late(int(value))
    return (f"{int(value):,}" if value == int(value) else f"{value:,.2f}").replace("-", "−")


def money(dollars: int | float | Decimal) -> str:
    """Whole dollars, half a dollar rounded up as on the pages of customers."""
    exact = Decimal(dollars)
    return f"{'−' if exact < 0 else ''}${int(abs(exact).to_integral_value(ROUND_HALF_UP)):,}"


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


def late(days: int) -> str:
    """How long after its due day something is; below 0 the day is ahead."""
    if days == 0:
        return "due today"
    unit = "day" if abs(days) == 1 else "days"
    return f"{days:,} {unit} late" if days > 0 else f"in {-days:,} {unit}"


def words(key: str) -> str:
    """Turn a key such as `first_bill` into words."""
    if key in WRITTEN:
        return WRITTEN[key]
    text = " ".join(ACRONYMS.get(word, word) for word in key.split("_"))
    return text[:1].upper() + text[1:]


def _cell(value: object, kind: Kind) -> PageCell:
    customer_id = value["id"] if kind == "customer" and isinstance(value, dict) else None
    return PageCell(write(value, kind), _order(value), customer_id)


def _order(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return value["name"] or value["id"]
    return value.isoformat() if isinstance(value, date | datetime) else str(value)

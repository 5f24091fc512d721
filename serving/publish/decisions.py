"""Compare the decisions of two files with schema `marts`: who is in another segment, tier or list, and money by band.

Either is a published file, a kept version, or a warehouse. A decision is a value by key; keys of customers and
organizations carry their names.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from settings import UserError
from warehouse.sql_text import literal

# The value of each decision by key, as SQL on schema `marts`.
DECISIONS = {
    "segment": "select organization_id, icp_segment from dim_organizations",
    "size tier": "select customer_id, size_tier from dim_customers",
    "band of the mix": "select customer_id, arr_mix_band from dim_customers",
    "coverage": "select customer_id, coverage from dim_customers",
    "suggested owner": "select customer_id, suggested_owner_role from dim_customers",
    "health": "select customer_id, health from dim_customers",
    "onboarding queue": (
        "select customer_id, max(queue_reason) from fct_onboarding_queue where is_open group by customer_id"
    ),
}
# Lists of customers: a decision is on which of their signals a customer is.
LISTS = (
    "rpt_account_risk",
    "rpt_credit_runway",
    "rpt_cross_sell",
    "rpt_large_deals",
    "rpt_limits_hit",
    "rpt_product_led_leads",
    "rpt_startup_rolloffs",
)
ON_A_LIST = "select customer_id, string_agg(distinct signal, ', ' order by signal) from {table} group by customer_id"
NAMES = (
    "select customer_id, any_value(name), max(arr_usd_year) from dim_customers group by customer_id union all "
    "select organization_id, any_value(name), max(arr_usd_year) from dim_organizations "
    "where organization_id not in (select customer_id from dim_customers) group by organization_id"
)
MONEY = (
    "select band, sum(customers), sum(arr_usd) from rpt_arr_mix_progress "
    "where as_of = (select max(as_of) from rpt_arr_mix_progress) group by band"
)
NOTHING = "none"


@dataclass(frozen=True)
class Move:
    """A key whose decision differs; `none` where one of the files does not have it."""

    decision: str
    key: str
    name: str
    arr_usd_year: Decimal
    before: str
    after: str


@dataclass(frozen=True)
class Band:
    """Customers and ARR in a band of the mix, before and after."""

    band: str
    customers_before: int
    customers_after: int
    arr_usd_before: Decimal
    arr_usd_after: Decimal


def compare_decisions(before: Path, after: Path) -> tuple[list[Move], list[Band]]:
    """The moves between two files, the largest customers of a decision first, and the bands that differ."""
    with duckdb.connect() as connection:
        for path, name in ((before, "before"), (after, "after")):
            _attach(connection, path, name)
        on_lists = {table.removeprefix("rpt_").replace("_", " "): ON_A_LIST.format(table=table) for table in LISTS}
        moves = [each for name, sql in (DECISIONS | on_lists).items() for each in _moves(connection, name, sql)]
        return moves, _bands(connection)


def lines_of(moves: list[Move], bands: list[Band], *, most: int) -> list[str]:
    """What differs, for a person: per decision a count, each kind of move, and at most `most` names of each kind."""
    if not moves and not bands:
        return ["No decision differs."]
    lines: list[str] = []
    for decision, count in Counter(move.decision for move in moves).items():
        lines.append(f"{decision}: {count:,} differ")
        kinds = Counter((move.before, move.after) for move in moves if move.decision == decision)
        for (was, becomes), moved in kinds.most_common():
            movers = [move for move in moves if (move.decision, move.before, move.after) == (decision, was, becomes)]
            shown = ", ".join(f"{move.name} (${move.arr_usd_year:,.0f})" for move in movers[:most])
            rest = f" and {moved - most:,} more" if moved > most else ""
            lines.append(f"  {was} -> {becomes}: {moved:,}: {shown}{rest}")
    lines += [
        f"band {band.band}: {band.customers_before:,} -> {band.customers_after:,} customers, "
        f"${band.arr_usd_before:,.0f} -> ${band.arr_usd_after:,.0f} ARR"
        for band in bands
    ]
    return lines


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    try:
        connection.execute(f"attach {literal(path)} as {name} (read_only)")
    except duckdb.Error as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def _rows(connection: duckdb.DuckDBPyConnection, of: str, sql: str) -> list[tuple]:
    connection.execute(f"use {of}.marts")
    try:
        return connection.execute(sql).fetchall()
    except duckdb.CatalogException:
        # A version from before the table came.
        return []


def _moves(connection: duckdb.DuckDBPyConnection, decision: str, sql: str) -> list[Move]:
    values = {of: dict(_rows(connection, of, sql)) for of in ("before", "after")}
    names = {key: rest for of in ("before", "after") for key, *rest in _rows(connection, of, NAMES)}
    moves = []
    for key in values["before"].keys() | values["after"].keys():
        was, becomes = (str(values[of].get(key) or NOTHING) for of in ("before", "after"))
        if was != becomes:
            name, arr_usd_year = names.get(key, (None, None))
            moves.append(Move(decision, key, name or key, arr_usd_year or Decimal(0), was, becomes))
    return sorted(moves, key=lambda move: (-move.arr_usd_year, move.key))


def _bands(connection: duckdb.DuckDBPyConnection) -> list[Band]:
    before, after = ({band: rest for band, *rest in _rows(connection, of, MONEY)} for of in ("before", "after"))
    bands = []
    for band in sorted(before.keys() | after.keys()):
        (customers, arr_usd), (customers_after, arr_usd_after) = (
            each.get(band, [0, Decimal(0)]) for each in (before, after)
        )
        if (customers, arr_usd) != (customers_after, arr_usd_after):
            bands.append(Band(band, customers, customers_after, arr_usd, arr_usd_after))
    return bands

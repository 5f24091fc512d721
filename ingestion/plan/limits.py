"""What a load may use, and how much of a source may be bad or missing before it refuses it."""

import duckdb

from ingestion.plan.planner import Plan, Planner
from ingestion.read.files import Listing
from ingestion.write.ledger import TIE
from settings import Settings

FEW_ROWS = 100
# A few bad rows are accepted in any table; many mean that a feed has changed.
FEW_SET_ASIDE = 10
SHOWN_REJECTS = 3


def insert_in_any_order(connection: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB write rows in the order that takes the least memory."""
    # Otherwise large inserts leave partly filled row groups, and a checkpoint rewrites the table: 3 s more for
    # 2.4 million reports, and twice the size.
    connection.execute("set preserve_insertion_order = false")


def refusals(planner: Planner, plan: Plan, settings: Settings) -> list[str]:
    """Sentences if too many rows of a table are bad or missing."""
    sentences = []
    if is_refused(plan, settings):
        table, set_aside, read = plan.table, plan.rows_set_aside, plan.rows_read
        shown = "; ".join(_examples(planner.connection, plan))
        # Of another source root than the loaded one, no row is kept.
        listed = "" if planner.starts_over else " (`growth rejects` lists every such row)"
        sentences.append(
            f"{table.path}: {set_aside:,} of {read:,} rows break the contract ({set_aside / read:.1%}; the limit "
            f"is {settings.max_set_aside_share:.1%} or {FEW_SET_ASIDE} rows), so nothing is loaded. {shown}. "
            f"Fix the files{listed}, or raise GROWTH_MAX_SET_ASIDE_SHARE for one run"
        )
    if not plan.is_partial and plan.rows_lost > max(FEW_ROWS, settings.max_lost_share * plan.rows_before):
        sentences.append(
            f"{plan.table.path}: {plan.rows_lost:,} of {plan.rows_before:,} loaded rows are missing from the changed "
            f"files (the limit is {settings.max_lost_share:.0%}), so nothing is loaded. Restore the files, or "
            "raise GROWTH_MAX_LOST_SHARE for one run"
        )
    return sentences


def is_refused(plan: Plan, settings: Settings) -> bool:
    """Whether more of the rows that were read are bad than a load accepts."""
    return plan.rows_set_aside > max(FEW_SET_ASIDE, settings.max_set_aside_share * plan.rows_read)


def outside_data(planner: Planner, settings: Settings, listing: Listing) -> list[str]:
    """A sentence if the requested data day is outside the data."""
    asked = settings.as_of
    days = {file.day for files in listing.files.values() for file in files if file.day}
    if asked and days and not planner.starts_over:
        loaded = planner.connection.execute("select min(date), max(date) from raw.usage__usage_reports").fetchall()
        days |= {day for day in loaded[0] if day}
    if not asked or not days or min(days) <= asked <= max(days):
        return []
    return [
        f"GROWTH_AS_OF={asked} is outside the data, which covers {min(days)} to {max(days)}: nothing is "
        "loaded. Choose a day in this range, or leave GROWTH_AS_OF empty for the newest complete day"
    ]


def _examples(connection: duckdb.DuckDBPyConnection, plan: Plan) -> list[str]:
    """The first bad rows of a table: file, position, column and reason."""
    rows = connection.execute(
        "select file, position, coalesce(column_name, 'the whole row'), reason from rejects "
        "where table_name = ? and rule <> ? order by file, position limit ?",
        [plan.table.raw_name, TIE, SHOWN_REJECTS],
    ).fetchall()
    return [f"{file} row {position}, {column}: {reason}" for file, position, column, reason in rows]

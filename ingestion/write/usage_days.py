"""`raw.usage_days`: what the reports of each day of usage are, noted when they are loaded.

A note has the number of reports of its day, a fingerprint of their values and the turn of the load that wrote them, so
that nothing has to read the reports again to know whether they changed. A day without a note is read again by whoever
asks.
"""

from collections.abc import Sequence
from datetime import date

import duckdb

from ingestion.contract.model import Table
from ingestion.contract.raw_tables import extra_columns, raw_table
from warehouse.connection import next_turn
from warehouse.sql_text import literal, quote

# When a report was sent again with the same values, its day is the same.
NOT_COMPARED = {"date", "received_at"}


def drop_days(
    connection: duckdb.DuckDBPyConnection, table: Table, days: Sequence[date], empty_days: Sequence[date]
) -> None:
    """Delete the notes of days that are about to be written, and the reports of `empty_days`, which keep none.

    The delivery replaces those of the other days in one step: a load killed before it loses no row of a vanished file.
    """
    for relation, dropped in (("raw.usage_days", days), (raw_table(table), empty_days)):
        connection.execute(f"delete from {relation} where list_contains(?, date)", [dropped])  # noqa: S608


def note_days(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Note each day that has none, in the caller's transaction."""
    raw = raw_table(table)
    # A list, so that only the blocks of these days are read.
    missing = connection.execute(
        f"select distinct date from {raw} where date not in (select date from raw.usage_days) order by date"  # noqa: S608
    ).fetchall()
    if not missing:
        return
    values = ", ".join(quote(name) for name in table.column_names if name not in NOT_COMPARED)
    # Columns beyond the contract count where they have a value: a day is the same before and after one came.
    extras = [
        f" + case when {quote(name)} is not null then hash({literal(name)}, {quote(name)}) else 0 end"
        for name in extra_columns(connection)[table.raw_name]
    ]
    days = [day for (day,) in missing]
    fingerprint = f"sum(hash({values})::hugeint{''.join(extras)})::varchar"
    connection.execute(
        f"insert into raw.usage_days select date, count(*), {fingerprint}, ? from {raw} "  # noqa: S608
        "where date between ? and ? and list_contains(?, date) group by date",
        [next_turn(connection), days[0], days[-1], days],
    )

"""Close a month: keep what was said of its MRR in a file that no later run changes.

The file lies in the source root, beside the other sources: it is loaded like them, deleting the warehouse loses
nothing, and every later build compares what it says with what counts by then.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from connectors.landing import LandingRoot
from settings import Settings, UserError
from warehouse.connection import connect
from warehouse.folder import DataDirError
from warehouse.lock import hold

SOURCE, TABLE = "closed_months", "mrr_lines"
LAST_CLOSED = "select last_closed_month from intermediate.int_data_day"
# As a load takes them: instants with their zone, and a rate, which has more decimals than amounts have, as text.
LINES = """
select * replace (
    invoice_created_at at time zone 'UTC' as invoice_created_at,
    cast(usd_per_minor_unit as varchar) as usd_per_minor_unit
)
from intermediate.int_month_lines
where month = date '{month}'
order by invoice_id, line_number, slice_number
"""
# Of a line, for a person: what the file adds up to.
TOTALS = "select count(distinct customer_id) filter (is_counted), coalesce(sum(mrr_usd), 0) from read_parquet(?)"
READ_ONLY = 0o444


class ClosingError(UserError):
    """The month cannot be closed; nothing was written."""

    code = 2


@dataclass(frozen=True)
class Closing:
    """A closed month: the file that was written, relative to the source root, and what it adds up to in USD."""

    month: date
    path: str
    customers: int
    mrr_usd: Decimal


def close_month(settings: Settings, month: date) -> Closing:
    """Write the lines of a month, given by its first day, as they count now.

    Raises `ClosingError` if the month has not ended, is too young or is closed already, `DataDirError` if nothing is
    built, and `LandingError` if the file cannot be written; there is then no file.
    """
    if settings.target == "spark":
        raise ClosingError("a month is closed from the models in the warehouse, and on Spark they are not in it")
    if not settings.warehouse_path.exists():
        raise DataDirError(f"nothing is built in {settings.data_dir} yet: run `growth run` first")
    path = f"{SOURCE}/{TABLE}/{month:%Y-%m}.parquet"
    root = LandingRoot(settings.resolved_source_root, settings.data_dir / "state" / "closing" / "copies")
    # In the order in which a run and a deletion request take them, or each would wait for the other.
    with (
        hold(settings.warehouse_path, "growth close"),
        root.hold("growth close"),
        TemporaryDirectory() as folder,
    ):
        if any(Path(other).name.startswith(f"{month:%Y-%m}.") for other in root.other_files(SOURCE, TABLE)):
            raise ClosingError(
                f"{month:%Y-%m} is closed already: {path} in {root.address} says what it was, and is never written "
                "again; rpt_closed_months says what has changed since"
            )
        local = Path(folder, "lines.parquet")
        with connect(settings.warehouse_path) as connection:
            customers, mrr_usd = _write(connection, month, local)
        root.put_file(local, path)
        if "://" not in root.address:
            Path(root.address, path).chmod(READ_ONLY)
    return Closing(month, path, customers, mrr_usd)


def _write(connection: duckdb.DuckDBPyConnection, month: date, file: Path) -> tuple[int, Decimal]:
    """Write the lines to a local file; the customers and the MRR in it."""
    try:
        [(last_closed,)] = connection.execute(LAST_CLOSED).fetchall()
    except duckdb.CatalogException:
        raise DataDirError("nothing is built in the warehouse yet: run `growth run` first") from None
    if month > last_closed:
        raise ClosingError(
            f"{month:%Y-%m} is not complete: the last month whose bills are all there is {last_closed:%Y-%m}"
        )
    connection.sql(LINES.format(month=month.isoformat())).write_parquet(str(file), compression="zstd")
    [(customers, mrr_usd)] = connection.execute(TOTALS, [str(file)]).fetchall()
    if not customers:
        raise ClosingError(f"{month:%Y-%m} has no line that counts as MRR: there is nothing to close")
    return customers, mrr_usd

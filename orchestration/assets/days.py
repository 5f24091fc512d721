"""Days as partitions of the tables that are built by days."""

from datetime import date, timedelta

import duckdb
from dagster import DailyPartitionsDefinition

from sample_company.parameters import LAST_DAY
from serving.reader import query
from settings import Settings
from warehouse.folder import DataDirError


def daily_partitions(settings: Settings) -> DailyPartitionsDefinition:
    """A partition for each day from GROWTH_FIRST_DAY to the data day; in production to yesterday, day after day.

    A process reads the data day once. Production has no end, so that its code server need not be restarted every day.
    """
    first = settings.first_day
    last = None
    if settings.env != "production":
        last = settings.as_of or published_data_day(settings) or (None if settings.source_root else LAST_DAY)
    if last is None:
        return DailyPartitionsDefinition(first.isoformat())
    end = max(first, last) + timedelta(days=1)
    # Dagster ends at today, moved by the offset, if that is earlier: a clock behind the data would hide days.
    return DailyPartitionsDefinition(first.isoformat(), end_date=end.isoformat(), end_offset=(end - first).days)


def published_data_day(settings: Settings) -> date | None:
    """The data day of the published file; None if there is no such file, or it cannot be read."""
    try:
        with query("select as_of_date from publish_info", path=settings.serving_path) as info:
            return info.fetchall()[0][0]
    except (FileNotFoundError, DataDirError, duckdb.Error):
        # The run that writes it again must be able to start.
        return None

"""Days that a run builds: which days it is for, their dbt variables, and the months that Dagster shows."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

# Dagster's own tags: one partition (a month such as 2026-10), or a range of them in one run.
PARTITION_TAG = "dagster/partition"
FIRST_TAG = "dagster/asset_partition_range_start"
LAST_TAG = "dagster/asset_partition_range_end"
# First and last day of a run for a part of its months.
DAYS_TAG = "growth/days"


class Days(NamedTuple):
    """A range of days, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def months_of(days: Days) -> list[str]:
    """The months of these days, such as 2026-10, in order."""
    first, last = (day.year * 12 + day.month - 1 for day in days)
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(first, last + 1)]


def days_of_months(first: str, last: str) -> Days:
    """The days from the first of a month to the last of another, or of the same."""
    year, month = map(int, last.split("-"))
    return Days(date.fromisoformat(f"{first}-01"), date(year, month, monthrange(year, month)[1]))


def days_of_tags(tags: Mapping[str, str]) -> Days | None:
    """The days a run is for; None for a run without partitions, which builds what has changed."""
    if DAYS_TAG in tags:
        first, last = map(date.fromisoformat, tags[DAYS_TAG].split("/"))
        return Days(first, last)
    if PARTITION_TAG in tags:
        return days_of_months(tags[PARTITION_TAG], tags[PARTITION_TAG])
    if FIRST_TAG in tags:
        return days_of_months(tags[FIRST_TAG], tags[LAST_TAG])
    return None


def tags_of_days(days: Days) -> dict[str, str]:
    """Tags of one run for these days: their months, which Dagster shows, and the days themselves."""
    months = months_of(days)
    return {FIRST_TAG: months[0], LAST_TAG: months[-1], DAYS_TAG: f"{days.first}/{days.last}"}


def dbt_variables(days: Days | None) -> dict[str, str]:
    """The environment in which dbt builds these days, or what has changed."""
    return {
        "GROWTH_DAYS_FROM": days.first.isoformat() if days else "",
        "GROWTH_DAYS_TO": days.last.isoformat() if days else "",
    }


def ranges_of(days: Iterable[date]) -> list[Days]:
    """Days as ranges without gaps, in order; each is one backfill."""
    ranges: list[Days] = []
    for day in sorted(set(days)):
        if ranges and day == ranges[-1].last + timedelta(days=1):
            ranges[-1] = Days(ranges[-1].first, day)
        else:
            ranges.append(Days(day, day))
    return ranges

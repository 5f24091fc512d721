"""Days that a run builds: which days it is for, their dbt variables, and which it reports to Dagster."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

# Dagster's own tags: one partition, or a range of them in one run.
PARTITION_TAG = "dagster/partition"
FIRST_TAG = "dagster/asset_partition_range_start"
LAST_TAG = "dagster/asset_partition_range_end"
# An event (a day of a table) costs Dagster's SQLite storage 4 to 10 ms of CPU. Sensor `built_days` reports the others.
MAX_DAYS_REPORTED = 7


class Days(NamedTuple):
    """A range of days, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def days_of_tags(tags: Mapping[str, str]) -> Days | None:
    """The days a run is for; None for a run without partitions, which builds what has changed."""
    if PARTITION_TAG in tags:
        return Days(date.fromisoformat(tags[PARTITION_TAG]), date.fromisoformat(tags[PARTITION_TAG]))
    if FIRST_TAG in tags:
        return Days(date.fromisoformat(tags[FIRST_TAG]), date.fromisoformat(tags[LAST_TAG]))
    return None


def tags_of_days(days: Days) -> dict[str, str]:
    return {FIRST_TAG: days.first.isoformat(), LAST_TAG: days.last.isoformat()}


def dbt_variables(days: Days | None) -> dict[str, str]:
    """The environment in which dbt builds these days, or what has changed."""
    return {
        "GROWTH_DAYS_FROM": days.first.isoformat() if days else "",
        "GROWTH_DAYS_TO": days.last.isoformat() if days else "",
    }


def days_to_report(built: Days, data_day: date) -> list[date]:
    """The days that a run reports to Dagster: the newest 7 of those built, or the data day if none was."""
    last = min(built.last, data_day)
    first = max(min(built.first, last), last - timedelta(days=MAX_DAYS_REPORTED - 1))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def ranges_of(days: Iterable[date]) -> list[Days]:
    """Days as ranges without gaps, in order; each is one backfill."""
    ranges: list[Days] = []
    for day in sorted(set(days)):
        if ranges and day == ranges[-1].last + timedelta(days=1):
            ranges[-1] = Days(ranges[-1].first, day)
        else:
            ranges.append(Days(day, day))
    return ranges

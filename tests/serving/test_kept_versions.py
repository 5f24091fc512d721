"""The version that the page compares with stays, however often a day is published."""

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from serving.publish.versions import (
    building,
    next_publish_number,
    put_live,
    roll_back,
    version_before,
    version_of_earlier_day,
    versions,
)
from settings import Settings


def publish(settings: Settings, run: str, day: int) -> None:
    """Publish as this run for this day of November."""
    number = next_publish_number(settings)
    published_at = datetime.fromisoformat(f"2026-11-0{day}") + timedelta(minutes=number)
    with building(settings) as path:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema marts")
            connection.execute(
                "create table marts.publish_info as select ? as run_id, ? as as_of_date, ? as published_at, "
                "? as publish_number",
                [run, date(2026, 11, day), published_at, number],
            )
        put_live(settings, path)


def runs(settings: Settings) -> list[str]:
    return [version.run_id for version in versions(settings)]


def compared(settings: Settings, day: int) -> str | None:
    version = version_of_earlier_day(settings, date(2026, 11, day))
    return version.run_id if version else None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with two publishes of the first and five of the second."""
    settings = Settings(data_dir=tmp_path / "data", kept_versions=3)
    for run, day in (("a1", 1), ("a2", 1), ("b1", 2), ("b2", 2), ("b3", 2), ("b4", 2), ("b5", 2)):
        publish(settings, run, day)
    return settings


def test_many_publishes_of_a_day_leave_the_last_of_the_day_before(settings: Settings) -> None:
    assert runs(settings) == ["a2", "b2", "b3", "b4", "b5"]
    assert compared(settings, 2) == "a2"
    publish(settings, "c1", 3)
    assert runs(settings) == ["b3", "b4", "b5", "c1"]
    assert compared(settings, 3) == "b5"


def test_a_rollback_leaves_the_version_that_it_compares_with(settings: Settings) -> None:
    roll_back(settings, version_before(settings))
    assert runs(settings) == ["a2", "b2", "b3", "b4", "b5"]
    assert compared(settings, 2) == "a2"


def test_no_version_stays_where_none_is_to_be_kept(settings: Settings) -> None:
    publish(settings.model_copy(update={"kept_versions": 0}), "b6", 2)
    assert runs(settings) == ["b6"]

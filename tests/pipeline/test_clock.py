"""A clock that had jumped ahead in one run holds no later run back, and no version is out of its order."""

import shutil
from pathlib import Path

import duckdb

from common.settings import Settings
from common.warehouse import connect
from serving.versions import roll_back, version_before, versions
from tests.pipeline.hand_made import write_usage_day
from tests.pipeline.running import marts, read, run_pipeline

STAMPS = (
    "raw.loaded_files set loaded_at = loaded_at + interval 1 year",
    "quality.builds set built_at = built_at + interval 1 year",
    "quality.expectation_results set checked_at = checked_at + interval 1 year",
)


def set_a_year_ahead(settings: Settings) -> None:
    """Leave what a run leaves whose clock is a year ahead."""
    with connect(settings.warehouse_path) as connection:
        for stamp in STAMPS:
            connection.execute(f"update {stamp}")
    building = settings.serving_path.with_name("building.duckdb")
    shutil.copyfile(settings.serving_path, building)
    with duckdb.connect(str(building)) as connection:
        connection.execute("update marts.publish_info set published_at = published_at + interval 1 year")
    building.replace(settings.serving_path)


def test_a_run_after_one_whose_clock_was_a_year_ahead_publishes_and_comes_after_it(
    undisturbed: Path, data_dir: Path, own_source: Path
) -> None:
    settings = Settings(data_dir=data_dir)
    set_a_year_ahead(settings)
    [before] = read(data_dir, "select run_id from marts.publish_info")
    write_usage_day(own_source / "usage" / "usage_reports", "2026-10-20", [("org-beta", 7_000)])
    done = run_pipeline(data_dir, own_source)
    assert done.returncode == 0, done.stdout
    [after] = read(data_dir, "select run_id from marts.publish_info")
    found = versions(settings)
    assert [version.run_id for version in found] == [*before, *after]
    assert found[0].published_at > found[1].published_at
    assert [version.is_live for version in found] == [False, True]
    roll_back(settings, version_before(settings))
    assert read(data_dir, "select run_id from marts.publish_info") == [before]
    assert marts(data_dir) == marts(undisturbed)

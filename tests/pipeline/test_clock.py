"""A clock that had jumped ahead in one run holds no later one back, and no version is out of its order."""

import shutil
from pathlib import Path

import duckdb
import pytest

from expectations.gate import run_layer
from serving.publish.published_file import LAYERS, publish
from serving.publish.versions import roll_back, version_before, versions
from settings import Settings
from tests.support.running import marts, read
from warehouse.connection import connect

pytestmark = pytest.mark.slow

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


def test_run_after_one_with_a_clock_a_year_ahead_is_the_newest(undisturbed: Path, data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    set_a_year_ahead(settings)
    [before] = read(data_dir, "select run_id from marts.publish_info")
    for layer in LAYERS:
        run_layer(settings.warehouse_path, layer, run_id="after", as_of=None)
    publish(settings, "after", {})
    found = versions(settings)
    assert [version.run_id for version in found] == [*before, "after"]
    assert found[0].published_at > found[1].published_at
    assert [version.is_live for version in found] == [False, True]
    assert marts(data_dir) == marts(undisturbed)
    roll_back(settings, version_before(settings))
    assert read(data_dir, "select run_id from marts.publish_info") == [before]

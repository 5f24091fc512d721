"""The warehouse shows its size and gives back what nothing uses, in a run like any other; tables show their rows."""

from collections.abc import Iterator

import pytest
from dagster import DagsterInstance, Definitions, TableMetadataValue, define_asset_job, materialize

from orchestration.assets import warehouse_file as warehouse_file_asset
from orchestration.assets.keys import WAREHOUSE_KEY, table_key
from orchestration.assets.metadata import row_counts
from orchestration.assets.warehouse_file import JOB_NAME, warehouse_file
from orchestration.resources import Warehouse
from settings import Settings, get_settings
from warehouse.connection import connect


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of a data folder with a warehouse, most of which is unused."""
    get_settings.cache_clear()
    settings = get_settings()
    settings.data_dir.mkdir(parents=True)
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create schema marts; create table marts.large as select hash(range) as value from range(1_000_000); "
            "create view marts.seen as from marts.large"
        )
        connection.execute("checkpoint")
        connection.execute("create or replace table marts.large as from marts.large limit 300")
    yield settings
    get_settings.cache_clear()


def test_the_asset_compacts_the_file_and_shows_what_it_gave_back(settings: Settings) -> None:
    held = settings.warehouse_path.stat().st_size
    with DagsterInstance.ephemeral() as instance:
        for given_back in (True, False):
            result = materialize([warehouse_file], resources={"warehouse": Warehouse()}, instance=instance)
            [event] = result.asset_materializations_for_node("maintenance__warehouse_file")
            shown = {name: each.value for name, each in event.metadata.items()}
            assert event.asset_key == WAREHOUSE_KEY
            assert shown["bytes"] == settings.warehouse_path.stat().st_size
            assert (shown["bytes_given_back"] == held - settings.warehouse_path.stat().st_size > 0) == given_back
            tables = event.metadata["largest_tables"]
            assert isinstance(tables, TableMetadataValue)
            [largest] = tables.records
            assert (largest.data["table"], largest.data["rows"]) == ("marts.large", 300)


@pytest.mark.parametrize(("job_name", "deleted"), [(JOB_NAME, 3 + 5), ("daily_refresh", 3)])
@pytest.mark.usefixtures("settings")
def test_iceberg_files_of_killed_writes_are_looked_for_weekly_and_not_in_every_run(
    job_name: str, deleted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_file_asset, "expire_snapshots", lambda settings, keep_days: 3)
    monkeypatch.setattr(warehouse_file_asset, "remove_orphans", lambda settings: 5)
    monkeypatch.setenv("GROWTH_TARGET", "spark")
    get_settings.cache_clear()
    job = define_asset_job(job_name, selection=[warehouse_file])
    made = Definitions(assets=[warehouse_file], jobs=[job], resources={"warehouse": Warehouse()})
    result = made.resolve_job_def(job_name).execute_in_process()
    [event] = result.asset_materializations_for_node("maintenance__warehouse_file")
    assert event.metadata["iceberg_files_deleted"].value == deleted


def test_tables_show_their_rows_and_views_are_not_computed_for_it(settings: Settings) -> None:
    large = table_key("marts", "large")
    assert row_counts([large, table_key("marts", "seen")], settings) == {large: {"dagster/row_count": 300}}

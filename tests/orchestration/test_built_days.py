"""Partitions end with the data, and every published day is shown as built without a run that reports them all."""

from collections.abc import Callable, Iterator
from datetime import date

import duckdb
import pytest
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    SkipReason,
    build_sensor_context,
    define_asset_job,
    in_process_executor,
    multi_asset,
)

from orchestration.assets.days import daily_partitions
from orchestration.automation.built_days import build_built_days_sensor
from settings import Settings

FORECASTS, USAGE = AssetKey("forecasts"), AssetKey("usage")
FIRST_DAY = date(2026, 10, 1)
DAYS = ["2026-10-01", "2026-10-02", "2026-10-03"]


def publish(settings: Settings, data_day: str) -> None:
    """A published file that has nothing but its data day."""
    settings.serving_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.serving_path)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(f"create or replace table marts.publish_info as select date '{data_day}' as as_of_date")


@pytest.fixture
def settings() -> Settings:
    """Settings of a company whose first day is October 1."""
    return Settings(first_day=FIRST_DAY, source_root="memory://somewhere")


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """Dagster's memory of runs."""
    with DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def days(settings: Settings) -> AssetsDefinition:
    """Two tables that are built by days; no run can build October 2."""
    publish(settings, "2026-10-03")
    partitions = daily_partitions(settings)

    @multi_asset(specs=[AssetSpec(key, partitions_def=partitions) for key in (FORECASTS, USAGE)], can_subset=True)
    def build_days(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
        assert context.partition_key != "2026-10-02"
        for key in sorted(context.selected_asset_keys):
            yield MaterializeResult(asset_key=key)

    return build_days


@pytest.fixture
def tick(settings: Settings, days: AssetsDefinition, instance: DagsterInstance) -> Callable[[], str | None]:
    """One evaluation of the sensor, and what it says."""
    sensor = build_built_days_sensor(settings, days)

    def evaluate() -> str | None:
        said = sensor._raw_fn(build_sensor_context(instance=instance))
        assert isinstance(said, SkipReason)
        return said.skip_message

    return evaluate


def shown(instance: DagsterInstance) -> list[list[str]]:
    """The days of each table that Dagster shows as materialized."""
    return [sorted(instance.get_materialized_partitions(key)) for key in (FORECASTS, USAGE)]


def test_days_are_partitions_up_to_the_published_data_day(settings: Settings) -> None:
    publish(settings, "2026-10-03")
    assert daily_partitions(settings).get_partition_keys() == DAYS


def test_a_data_day_that_is_asked_for_is_the_last_partition(settings: Settings) -> None:
    publish(settings, "2026-10-03")
    earlier = settings.model_copy(update={"as_of": date(2026, 10, 2)})
    assert daily_partitions(earlier).get_partition_keys() == DAYS[:2]


def test_a_clock_behind_the_data_hides_no_day(settings: Settings) -> None:
    publish(settings, "2040-01-01")
    assert daily_partitions(settings).get_last_partition_key() == "2040-01-01"


def test_partitions_before_the_first_publish_are_the_sample_days(settings: Settings) -> None:
    sample = settings.model_copy(update={"source_root": None})
    assert daily_partitions(sample).get_last_partition_key() == "2026-11-03"


def test_in_production_a_code_server_that_stays_up_knows_each_new_day(settings: Settings) -> None:
    publish(settings, "2026-10-03")
    assert daily_partitions(settings.model_copy(update={"env": "production"})).end is None


def test_definitions_load_beside_a_damaged_published_file(settings: Settings) -> None:
    settings.serving_path.parent.mkdir(parents=True)
    settings.serving_path.write_bytes(b"no database" * 1000)
    assert daily_partitions(settings).end is None


def test_every_published_day_of_every_table_is_reported_once(
    tick: Callable[[], str | None], instance: DagsterInstance
) -> None:
    assert tick() == "reported 6 partitions, 0 are left"
    assert shown(instance) == [DAYS, DAYS]
    assert tick() == "reported 0 partitions, 0 are left"


def test_a_day_after_the_published_one_is_not_reported(
    tick: Callable[[], str | None], instance: DagsterInstance, settings: Settings
) -> None:
    publish(settings, "2026-10-02")
    tick()
    assert shown(instance) == [DAYS[:2], DAYS[:2]]


def test_each_tick_reports_some_of_many_days(
    tick: Callable[[], str | None], instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.automation.built_days.MAX_EVENTS", 4)
    assert tick() == "reported 4 partitions, 2 are left"
    assert shown(instance) == [DAYS[:2], DAYS[:2]]
    assert tick() == "reported 2 partitions, 0 are left"
    assert shown(instance) == [DAYS, DAYS]


def test_a_backfill_that_failed_stays_visible(
    tick: Callable[[], str | None], instance: DagsterInstance, days: AssetsDefinition
) -> None:
    definitions = Definitions(assets=[days], jobs=[define_asset_job("days")], executor=in_process_executor)
    job = definitions.resolve_job_def("days")
    assert not job.execute_in_process(instance=instance, partition_key="2026-10-02", raise_on_error=False).success
    tick()
    assert shown(instance) == [["2026-10-01", "2026-10-03"]] * 2


def test_before_the_first_publish_nothing_is_reported(
    tick: Callable[[], str | None], instance: DagsterInstance, settings: Settings
) -> None:
    settings.serving_path.unlink()
    assert tick() == "nothing is published yet"
    assert shown(instance) == [[], []]

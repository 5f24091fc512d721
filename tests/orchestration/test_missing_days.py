"""Days that are missing or failed are listed until they are mended."""

from collections.abc import Iterator

import pytest
from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    TableMetadataValue,
    define_asset_job,
    in_process_executor,
    multi_asset,
)

from orchestration.assets.keys import table_key
from orchestration.checks.missing_days import build_missing_days
from orchestration.resources import Warehouse
from settings import Settings, get_settings
from warehouse.connection import connect

USAGE = table_key("marts", "fct_usage_daily")
broken: list[str] = []


OCTOBER = DailyPartitionsDefinition("2026-10-01", end_date="2026-11-01")


@multi_asset(specs=[AssetSpec(USAGE, partitions_def=OCTOBER)], can_subset=True)
def build_days(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
    """A day fails for as long as it is broken."""
    assert context.partition_key not in broken
    yield MaterializeResult(asset_key=USAGE)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A warehouse with a history of three days, of which the second was not built."""
    get_settings.cache_clear()
    settings = get_settings()
    settings.data_dir.mkdir()
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create schema intermediate; create schema quality; "
            "create table intermediate.int_history_days as "
            "select unnest([date '2026-10-01', date '2026-10-02', date '2026-10-03']) as date; "
            "create table quality.built_inputs as select 'usage' as kind, cast(date as varchar) as key "
            "from intermediate.int_history_days where date <> date '2026-10-02'"
        )
    yield settings
    get_settings.cache_clear()


def listed(instance: DagsterInstance, days: AssetsDefinition) -> list[tuple]:
    """What the check lists; nothing if it has passed."""
    check = build_missing_days(days)
    definitions = Definitions(asset_checks=[check], resources={"warehouse": Warehouse()}, executor=in_process_executor)
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    [evaluation] = result.get_asset_check_evaluations()
    table = evaluation.metadata.get("list")
    rows = table.records if isinstance(table, TableMetadataValue) else []
    assert evaluation.passed == (not rows)
    return [(row.data["first_day"], row.data["last_day"], row.data["state"]) for row in rows]


def build_day(instance: DagsterInstance, day: str) -> bool:
    """A run of one partition."""
    definitions = Definitions(assets=[build_days], jobs=[define_asset_job("days")], executor=in_process_executor)
    job = definitions.resolve_job_def("days")
    return job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False).success


def test_a_day_is_listed_until_it_is_built(settings: Settings) -> None:
    with DagsterInstance.ephemeral() as instance:
        broken.append("2026-10-03")
        assert not build_day(instance, "2026-10-03")
        assert listed(instance, build_days) == [
            ("2026-10-02", "2026-10-02", "missing"),
            ("2026-10-03", "2026-10-03", "failed"),
        ]
        broken.clear()
        assert build_day(instance, "2026-10-03")
        with connect(settings.warehouse_path) as connection:
            connection.execute("insert into quality.built_inputs values ('usage', '2026-10-02')")
        assert listed(instance, build_days) == []

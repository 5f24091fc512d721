"""Days that are missing or failed are listed until they are mended."""

from collections.abc import Iterator
from datetime import date

import pytest
from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    TableMetadataValue,
    define_asset_job,
    in_process_executor,
    multi_asset,
)

from orchestration.assets.keys import table_key
from orchestration.assets.months import MONTHS, set_months
from orchestration.checks.missing_days import build_missing_days
from orchestration.resources import Warehouse
from settings import Settings, get_settings
from transform.days import Days
from warehouse.connection import connect

USAGE = table_key("marts", "fct_usage_daily")
broken: list[str] = []


@multi_asset(specs=[AssetSpec(USAGE, partitions_def=MONTHS)], can_subset=True)
def build_days(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
    """A month fails for as long as it is broken."""
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


def build_month(instance: DagsterInstance, month: str) -> bool:
    """A run of one partition."""
    definitions = Definitions(assets=[build_days], jobs=[define_asset_job("days")], executor=in_process_executor)
    job = definitions.resolve_job_def("days")
    return job.execute_in_process(instance=instance, partition_key=month, raise_on_error=False).success


def test_a_day_that_is_missing_and_a_month_that_failed_are_listed_until_they_are_built(settings: Settings) -> None:
    with DagsterInstance.ephemeral() as instance:
        set_months(instance, Days(date(2026, 9, 1), date(2026, 10, 3)))
        broken.append("2026-09")
        assert not build_month(instance, "2026-09")
        assert build_month(instance, "2026-10")
        assert listed(instance, build_days) == [
            ("2026-10-02", "2026-10-02", "missing"),
            ("2026-09-01", "2026-09-30", "failed"),
        ]
        broken.clear()
        assert build_month(instance, "2026-09")
        with connect(settings.warehouse_path) as connection:
            connection.execute("insert into quality.built_inputs values ('usage', '2026-10-02')")
        assert listed(instance, build_days) == []


def test_partitions_are_the_months_of_the_data_in_order_whatever_they_were() -> None:
    with DagsterInstance.ephemeral() as instance:
        for first, last in (("2026-10-01", "2026-11-03"), ("2026-09-30", "2026-11-03"), ("2026-09-30", "2026-10-31")):
            set_months(instance, Days(date.fromisoformat(first), date.fromisoformat(last)))
        assert instance.get_dynamic_partitions("months") == ["2026-09", "2026-10"]

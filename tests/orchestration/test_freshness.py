"""A check that fails, one that is skipped and one that cannot run are three different things in the UI."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetCheckKey, DagsterInstance, Definitions, ExecuteInProcessResult, in_process_executor
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus as Shown

from ingestion.contract.model import load_contract
from orchestration.assets.keys import table_key
from orchestration.checks.source_freshness import IS_FRESH, build_source_freshness
from orchestration.resources import Warehouse
from settings import Settings, get_settings
from warehouse.connection import connect

USAGE, CRM, STRIPE = (
    AssetCheckKey(table_key("raw", table), IS_FRESH)
    for table in ("usage__usage_reports", "crm__accounts", "stripe__customers")
)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A warehouse in which usage is as old as it may be, Stripe a day older, and the CRM absent."""
    get_settings.cache_clear()
    settings = get_settings()
    settings.data_dir.mkdir()
    with connect(settings.warehouse_path) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_source_freshness as "
            "select * from (values ('usage', timestamp '2026-10-29', 2, 2), ('stripe', timestamp '2026-10-28', 3, 2), "
            "('crm', null, null, 7)) as sources (source_name, newest_at, age_days, max_age_days)"
        )
        for source in set(load_contract().sources) - {"usage", "stripe", "crm"}:
            connection.execute("insert into intermediate.int_source_freshness values (?, now(), 0, 7)", [source])
    yield settings
    get_settings.cache_clear()


def run_and_look(keys: list[AssetCheckKey], *, alone: bool = False) -> tuple[ExecuteInProcessResult, list[Shown]]:
    """Run the checks, and what the UI shows of these."""
    definitions = Definitions(
        asset_checks=[build_source_freshness(load_contract())],
        resources={"warehouse": Warehouse()},
        executor=in_process_executor,
    )
    with DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        if alone:
            job = job.get_subset(asset_check_selection=set(keys), asset_selection=set())
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        shown = [asyncio.run(records[key].resolve_status(LoadingContextForTest(instance))) for key in keys]
    return result, shown


def test_source_is_stale_only_beyond_its_bound(settings: Settings) -> None:
    assert settings
    result, shown = run_and_look([USAGE, STRIPE, CRM])
    assert result.success
    assert shown == [Shown.SUCCEEDED, Shown.FAILED, Shown.SKIPPED]


def test_one_source_can_be_asked_for_alone(settings: Settings) -> None:
    assert settings
    result, shown = run_and_look([USAGE], alone=True)
    assert result.success
    assert shown == [Shown.SUCCEEDED]


def test_a_check_that_cannot_look_is_neither(settings: Settings) -> None:
    settings.warehouse_path.unlink()
    result, shown = run_and_look([USAGE, STRIPE, CRM])
    assert not result.success
    assert shown == [Shown.EXECUTION_FAILED] * 3

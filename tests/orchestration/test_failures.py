"""What passes is tried again, what does not pass is not; what did not report fails the run."""

import asyncio
import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    Failure,
    RetryPolicy,
    in_process_executor,
    job,
    op,
)
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus
from rich.console import Console

import expectations.gate
from cli.console import _print_failures
from expectations.suites import Expectation, Suite
from ingestion import load
from ingestion.contract.model import load_contract
from ingestion.load import LoadReport
from orchestration.alerts.messages import alerts_of_run
from orchestration.assets.raw import raw_assets
from orchestration.checks import gates
from orchestration.resources import Warehouse
from orchestration.retries import is_transient, permanent_unless_transient
from settings import Settings, get_settings
from transform.dbt_runner import DbtError
from warehouse.connection import connect


class SourceError(RuntimeError):
    """An error of the data."""


TRANSIENT_ERRORS = [
    duckdb.IOException("IO Error: Could not set lock on file"),
    DbtError("int_data_day: IO Error: Could not set lock on file"),
    sqlite3.OperationalError("database is locked"),
    ConnectionResetError("reset by peer"),
    TimeoutError("timed out"),
    psycopg.OperationalError("connection failed: Connection refused"),
    psycopg.errors.AdminShutdown("consuming input failed: server closed the connection unexpectedly"),
]
PERMANENT_ERRORS = [
    duckdb.IOException("IO Error: No space left on device"),
    duckdb.ConversionException("Could not convert"),
    DbtError("a test failed"),
    sqlite3.OperationalError("no such table"),
    SourceError("a table is missing"),
    PermissionError("not yours"),
    psycopg.OperationalError("connection failed: FATAL: password authentication failed"),
]


@pytest.mark.parametrize("error", TRANSIENT_ERRORS, ids=repr)
def test_an_error_that_is_named_passes(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", PERMANENT_ERRORS, ids=repr)
def test_any_other_error_is_permanent(error: Exception) -> None:
    assert not is_transient(error)


def test_an_error_is_transient_for_its_cause() -> None:
    error = RuntimeError("the object store")
    error.__cause__ = ConnectionResetError("reset by peer")
    assert is_transient(error)


def attempts(errors: list[Exception]) -> tuple[int, bool]:
    """How often a step is tried that meets these errors one after the other, and whether it ends well."""
    left = list(errors)

    @op(retry_policy=RetryPolicy(max_retries=3))
    def step() -> None:
        with permanent_unless_transient():
            if left:
                raise left.pop(0)

    @job
    def one_step() -> None:
        step()

    result = one_step.execute_in_process(raise_on_error=False)
    return 1 + len(result.filter_events(lambda event: event.is_step_restarted)), result.success


def test_a_transient_error_is_retried_until_it_passes() -> None:
    assert attempts([ConnectionResetError("gone")] * 2) == (3, True)


def test_lasting_transient_error_ends_after_three_retries() -> None:
    assert attempts([ConnectionResetError("gone")] * 9) == (4, False)


def test_a_permanent_error_is_not_repeated() -> None:
    assert attempts([SourceError("a table is missing")] * 9) == (1, False)


def test_a_failure_that_says_itself_whether_to_retry_is_left_alone() -> None:
    with pytest.raises(Failure, match="as it was") as raised, permanent_unless_transient():
        raise Failure("as it was", allow_retries=True)
    assert raised.value.allow_retries


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a data folder of its own, with a warehouse that has one table of marts."""
    monkeypatch.setenv("GROWTH_SOURCE_ROOT", str(tmp_path / "source"))
    get_settings.cache_clear()
    settings = get_settings()
    with connect(_made(settings.warehouse_path)) as connection:
        connection.execute("create schema marts; create table marts.people as select 1 as id, -7 as amount")
    yield settings
    get_settings.cache_clear()


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def run_of(instance: DagsterInstance, **definitions: Any) -> ExecuteInProcessResult:
    """A run of everything that is defined, in this process."""
    whole = Definitions(resources={"warehouse": Warehouse()}, executor=in_process_executor, **definitions)
    job = whole.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, raise_on_error=False)


def reason(result: ExecuteInProcessResult) -> str:
    """What the step that failed says."""
    [failure] = result.filter_events(lambda event: event.is_step_failure)
    assert failure.step_failure_data.error is not None
    return failure.step_failure_data.error.message


def test_a_table_of_which_the_load_reports_nothing_fails_the_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "load_sources", lambda *_, **__: LoadReport())
    with DagsterInstance.ephemeral() as instance:
        result = run_of(instance, assets=raw_assets(settings, load_contract()))
    assert not result.success
    assert "the load reported nothing of" in reason(result)
    assert "usage__usage_reports" in reason(result)


def test_failed_check_differs_from_one_that_cannot_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    suites = [
        Suite(layer="marts", table="people", key=["id"], expectations=[_expect("amount_is_positive", "amount > 0")]),
        Suite(layer="marts", table="nowhere", key=["id"], expectations=[_expect("key_is_there", "id > 0")]),
    ]
    for module in (gates, expectations.gate):
        monkeypatch.setattr(module, "load_suites", lambda: suites)
    keys = [AssetCheckKey(AssetKey(["marts", table]), gates.MEETS_EXPECTATIONS) for table in ("people", "nowhere")]
    with DagsterInstance.ephemeral() as instance:
        result = run_of(instance, asset_checks=gates.build_gates(settings, []))
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        shown = [asyncio.run(records[key].resolve_status(LoadingContextForTest(instance))) for key in keys]
    assert not result.success
    assert "1 checks of marts could not run: nowhere: key_is_there" in reason(result)
    assert shown == [AssetCheckExecutionResolvedStatus.FAILED, AssetCheckExecutionResolvedStatus.EXECUTION_FAILED]


def _expect(name: str, condition: str) -> Expectation:
    return Expectation(
        name=name,
        type="expect_rows_to_satisfy",
        kwargs={"condition": condition},
        description="It matters.",
        owner="team",
        blocks="contract",
    )


@op(required_resource_keys={"warehouse"})
def work() -> None:
    """Nothing, on the warehouse."""


@job(resource_defs={"warehouse": Warehouse()})
def holds_the_warehouse() -> None:
    work()


def test_run_and_alert_name_a_damaged_warehouse() -> None:
    get_settings.cache_clear()
    settings = get_settings()
    settings.data_dir.mkdir()
    settings.warehouse_path.write_bytes(b"no database")
    with DagsterInstance.ephemeral() as instance:
        result = holds_the_warehouse.execute_in_process(instance=instance, raise_on_error=False)
        console = Console(soft_wrap=True, record=True, file=io.StringIO())
        _print_failures(console, result)
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        [alert] = alerts_of_run(instance, run, {})
    for sentence in (console.export_text(), alert.detail):
        assert f"{settings.warehouse_path} is damaged: move it away and run again" in sentence
    assert alert.kind == "run_failed"

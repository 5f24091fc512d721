"""Which days of the tables that are built by days a gate asks for, and what comes of a failure there."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from dagster import AssetCheckSeverity, Definitions, ExecuteInProcessResult, define_asset_job, in_process_executor
from dagster import AssetSelection as Selection

from expectations import gate
from expectations.results import Result
from orchestration.assets.keys import table_key
from orchestration.checks.gates import build_gates, gates_of
from orchestration.resources import Warehouse
from settings import Settings, get_settings
from transform.days import Days, tags_of_days
from warehouse.connection import connect

USAGE = table_key("marts", "fct_usage_daily")
OCTOBER_30 = Days(date(2026, 10, 30), date(2026, 10, 30))


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A warehouse that knows which days were built last."""
    get_settings.cache_clear()
    settings = get_settings()
    settings.data_dir.mkdir()
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create schema intermediate; "
            "create table intermediate.int_days_to_build (first_day date, last_day date); "
            "create table intermediate.int_data_day as select date '2026-10-31' as as_of_date"
        )
    yield settings
    get_settings.cache_clear()


def run_of(
    tags: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, *statuses: str
) -> tuple[list, ExecuteInProcessResult]:
    """A run of the gate of usage, whose expectations end like this, and the days that it asked for."""
    asked = []

    def run_layer(_path: Path, layer: str, *, tables: set[str], days: Days | None, **_: object) -> list[Result]:
        asked.append(days)
        return [
            Result(layer, table, severity, "expect_rows_to_satisfy", severity, status, None, None, None, None)  # type: ignore[arg-type]
            for table in tables
            for severity, status in zip(("critical", "warning"), statuses, strict=False)
        ]

    monkeypatch.setattr(gate, "run_layer", run_layer)
    checks = build_gates(get_settings(), {USAGE})
    job = define_asset_job("days", selection=Selection.checks(*gates_of([USAGE], checks)))
    definitions = Definitions(
        asset_checks=checks, jobs=[job], resources={"warehouse": Warehouse()}, executor=in_process_executor
    )
    return asked, definitions.resolve_job_def("days").execute_in_process(tags=dict(tags), raise_on_error=False)


@pytest.mark.parametrize(
    ("built", "days"),
    [
        (("2026-10-30", "2026-10-30"), OCTOBER_30),
        # Days before were never built, and a change before reaches those that follow.
        (("2026-10-28", "2026-10-31"), Days(date(2026, 10, 28), date(2026, 10, 31))),
        # A refresh that found nothing to build came between the build and the gate.
        (("2026-11-01", "2026-10-31"), Days(date(2026, 10, 30), date(2026, 10, 31))),
    ],
)
def test_a_run_for_days_asks_for_all_that_were_built(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, built: tuple[str, str], days: Days
) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute("insert into intermediate.int_days_to_build values (?, ?)", built)
    asked, result = run_of(tags_of_days(OCTOBER_30), monkeypatch, "passed")
    assert asked == [days]
    assert [(check.asset_key, check.passed) for check in result.get_asset_check_evaluations()] == [(USAGE, True)]


@pytest.mark.usefixtures("settings")
def test_a_run_of_everything_asks_for_whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, result = run_of({}, monkeypatch, "passed")
    assert result.success
    assert asked == [None]


def test_a_failure_on_a_day_is_a_failed_check_and_stops_no_step(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute("insert into intermediate.int_days_to_build values ('2026-10-30', '2026-10-30')")
    _, result = run_of(tags_of_days(OCTOBER_30), monkeypatch, "failed")
    [check] = result.get_asset_check_evaluations()
    assert result.success
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)


@pytest.mark.parametrize(
    ("statuses", "passed", "severity", "first_line"),
    [
        (("passed", "passed"), True, AssetCheckSeverity.WARN, "2 of 2 expectations hold."),
        (("passed", "failed"), False, AssetCheckSeverity.WARN, "1 of 2 expectations failed: warning."),
        (("failed", "failed"), False, AssetCheckSeverity.ERROR, "2 of 2 expectations failed: critical, warning."),
    ],
)
@pytest.mark.usefixtures("settings")
def test_check_takes_the_severity_of_its_worst_failed_expectation(
    monkeypatch: pytest.MonkeyPatch,
    statuses: tuple[str, str],
    passed: bool,
    severity: AssetCheckSeverity,
    first_line: str,
) -> None:
    _, result = run_of({}, monkeypatch, *statuses)
    [check] = result.get_asset_check_evaluations()
    assert (check.passed, check.severity, check.description) == (passed, severity, first_line)

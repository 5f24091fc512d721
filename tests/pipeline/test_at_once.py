"""Runs, backfills, a person's dbt and readers at once: none fails, and the marts are those of a quiet run."""

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterRunStatus

from settings import Settings
from tests.dbt_project.building import dbt
from tests.support.running import (
    Ended,
    dagster_instance,
    marts,
    reading,
    run_command,
    run_pipeline,
)
from warehouse.connection import connect

pytestmark = pytest.mark.slow

BACKFILL = ("backfill", "--from", "2026-10-20", "--to", "2026-10-22")
BUILD = ("build", "--select", "dim_customers", "--exclude", "resource_type:test", "resource_type:unit_test")


def copy_and_build(data_dir: Path, source_root: Path | None) -> subprocess.CompletedProcess[str]:
    """What a person does: a private copy, and a build in it."""
    copied = run_command(data_dir, source_root, "copy")
    assert copied.returncode == 0, copied.stdout
    return dbt(data_dir, "run", "--select", "dim_customers", file=None)


def all_at_once(data_dir: Path, source_root: Path | None, commands: Sequence[tuple[str, ...]], times: int = 1) -> None:
    """Start a run, a person's build and the commands, each `times` times, on a data folder that was run before."""
    with ThreadPoolExecutor((2 + len(commands)) * times) as threads, reading(data_dir):
        calls: list[Callable[[], Ended | subprocess.CompletedProcess[str]]] = [
            partial(run_pipeline, data_dir, source_root),
            partial(copy_and_build, data_dir, source_root),
            *(partial(run_command, data_dir, source_root, *command) for command in commands),
        ]
        started = [threads.submit(call) for _ in range(times) for call in calls]
        for each in started:
            done = each.result()
            assert done.returncode == 0, done.stdout
            assert " DEBUG " not in done.stdout
    with dagster_instance(data_dir) as instance:
        assert {run.status for run in instance.get_runs()} == {DagsterRunStatus.SUCCESS}


def test_concurrent_run_backfill_build_and_read_all_succeed(
    undisturbed: Path, data_dir: Path, source_root: Path
) -> None:
    with connect(Settings(data_dir=data_dir).warehouse_path) as connection:
        connection.execute("update marts.fct_usage_daily set quantity = 1 where date = date '2026-10-20'")
    all_at_once(data_dir, source_root, [BACKFILL])
    assert marts(data_dir) == marts(undisturbed)
    with dagster_instance(data_dir) as instance:
        built = instance.get_materialized_partitions(AssetKey(["marts", "fct_usage_daily"]))
        runs = {(run.job_name, run.tags.get("dagster/asset_partition_range_end")) for run in instance.get_runs()}
    newest = {"2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"}
    assert built == {"2026-10-20", "2026-10-21", "2026-10-22", *newest}
    assert runs == {("daily_refresh", None), ("build_days_again", "2026-10-22")}


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_many_of_each_at_once_on_the_sample_company_end_well(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet"
    assert run_pipeline(quiet).returncode == 0
    data_dir = tmp_path / "busy"
    assert run_pipeline(data_dir).returncode == 0
    all_at_once(data_dir, None, [BACKFILL, BUILD], times=3)
    assert marts(data_dir) == marts(quiet)

"""`make run`: the daily job in this process, on the instance that the UI shows."""

import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from common.settings import Settings
from common.warehouse import DataDirError

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

PROCESS_TAG = "growth/process"
LOCATION_TAG = {".dagster/repository": "__repository__@growth_pipeline"}


def prepare_dagster_home(settings: Settings) -> None:
    """Make Dagster's home in the data folder and point this process at it.

    Raises `DataDirError` if the folder cannot be written.
    """
    home = settings.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(__file__).with_name("dagster.yaml"), home / "dagster.yaml")
    except OSError as error:
        raise DataDirError(
            f"the data folder {settings.data_dir} cannot be written ({error.strerror}): "
            "set GROWTH_DATA_DIR to a folder that you own, or change its mode"
        ) from error
    os.environ["DAGSTER_HOME"] = str(home)


def run_daily(settings: Settings, say: Callable[[str], None] = print) -> bool:
    """Run the daily job and say what it did; whether it succeeded."""
    started = time.monotonic()
    say(f"growth-pipeline: sources {settings.resolved_source_root}, data folder {settings.data_dir}")
    prepare_dagster_home(settings)
    from dagster import DagsterInstance

    from orchestration.definitions import DAILY_JOB_NAME, definitions

    say(f"  ready after {time.monotonic() - started:.1f} s")
    with DagsterInstance.get() as instance:
        close_dead_runs(instance)
        result = definitions.resolve_job_def(DAILY_JOB_NAME).execute_in_process(
            instance=instance, raise_on_error=False, tags={PROCESS_TAG: this_process(), **LOCATION_TAG}
        )
    _summarize(settings, result, time.monotonic() - started, say)
    return result.success


def this_process() -> str:
    """Host, process and its start: what tells a living run from one whose process was killed."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.0f}"


def close_dead_runs(instance: "DagsterInstance") -> None:
    """Report runs of this host as failed whose process is gone, so that the UI tells the truth and the pool is free."""
    from dagster import DagsterRunStatus, RunsFilter

    open_statuses = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    for run in instance.get_runs(RunsFilter(statuses=open_statuses)):
        tag = run.tags.get(PROCESS_TAG)
        if tag and tag.startswith(f"{socket.gethostname()}/") and not _is_alive(tag):
            instance.report_run_failed(run, "The run's process was killed. Run again: nothing half-done is kept.")


def _is_alive(tag: str) -> bool:
    _, process_id, created = tag.rsplit("/", 2)
    try:
        return f"{psutil.Process(int(process_id)).create_time():.0f}" == created
    except psutil.NoSuchProcess:
        return False


def _summarize(
    settings: Settings, result: "ExecuteInProcessResult", seconds: float, say: Callable[[str], None]
) -> None:
    from orchestration.keys import PUBLISHED_KEY

    say("")
    set_aside = 0
    for event in result.get_asset_materialization_events():
        if event.asset_key and event.asset_key.path[0] == "raw":
            metadata = event.materialization.metadata
            rows = int(metadata["rows_set_aside"].value)
            set_aside += rows
            if rows:
                say(f"  {event.asset_key.path[-1]}: {rows:,} rows set aside")
    checks = result.get_asset_check_evaluations()
    failed = [check for check in checks if not check.passed]
    for check in failed:
        say(f"  {check.severity.value}: {'.'.join(check.asset_key.path)}: {check.check_name}")
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            say(f"  {event.step_key} failed: {cause.message.strip() if cause else 'no message'}")
    say(f"  {set_aside:,} rows set aside, {len(checks):,} checks: {len(failed)} not passed, {seconds:.1f} s in all")
    published = [event for event in result.get_asset_materialization_events() if event.asset_key == PUBLISHED_KEY]
    if published:
        as_of = published[0].materialization.metadata["as_of_date"].value
        say(f"  published {settings.serving_path} as of {as_of}")
        say(f"  look next: `make ui`, or: duckdb -readonly {settings.serving_path}")
    else:
        say("  nothing was published; what readers see stays as it was")

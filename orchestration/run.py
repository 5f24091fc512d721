"""`make run`: the daily job in this process, on the instance that the UI shows."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from common.settings import Settings
from common.warehouse import DataDirError

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation, ExecuteInProcessResult

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
    from orchestration.runs import close_dead_runs

    say(f"  ready after {time.monotonic() - started:.1f} s")
    with DagsterInstance.get() as instance:
        close_dead_runs(instance)
        result = definitions.resolve_job_def(DAILY_JOB_NAME).execute_in_process(
            instance=instance, raise_on_error=False, tags=LOCATION_TAG
        )
    _summarize(settings, result, time.monotonic() - started, say)
    return result.success


def _summarize(
    settings: Settings, result: "ExecuteInProcessResult", seconds: float, say: Callable[[str], None]
) -> None:
    from orchestration.keys import PUBLISHED_KEY

    say("")
    say(f"  {'step':<28}{'seconds':>8}")
    for event in result.all_events:
        if event.is_step_success:
            say(f"  {event.step_key:<28}{event.step_success_data.duration_ms / 1000:>8.1f}")
        elif event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            say(f"  {event.step_key} failed: {cause.message.strip() if cause else 'no message'}")
    set_aside = 0
    for event in result.get_asset_materialization_events():
        if event.asset_key and event.asset_key.path[0] == "raw":
            rows = cast("int", event.materialization.metadata["rows_set_aside"].value)
            set_aside += rows
            if rows:
                say(f"  {event.asset_key.path[-1]}: {rows:,} rows set aside, see raw.rejected_rows")
    checks = result.get_asset_check_evaluations()
    failed = [check for check in checks if not check.passed]
    for check in failed:
        say(f"  {check.severity.value}: {'.'.join(check.asset_key.path)}: {', '.join(_not_passed(check))}")
    say(f"  {set_aside:,} rows set aside, {len(checks):,} checks: {len(failed)} not passed, {seconds:.1f} s in all")
    published = [event for event in result.get_asset_materialization_events() if event.asset_key == PUBLISHED_KEY]
    if published:
        as_of = published[0].materialization.metadata["as_of_date"].value
        say(f"  published {settings.serving_path} as of {as_of}")
        say(f"  look next: `make ui`, or: duckdb -readonly {settings.serving_path}")
    else:
        say("  nothing was published; what readers see stays as it was")


def _not_passed(check: "AssetCheckEvaluation") -> list[str]:
    """The expectations of a check that did not pass, or the check's own name if it is made of none."""
    from dagster import TableMetadataValue

    table = check.metadata.get("expectations")
    records = table.records if isinstance(table, TableMetadataValue) else []
    return [str(record.data["expectation"]) for record in records if record.data["status"] != "passed"] or [
        check.check_name
    ]

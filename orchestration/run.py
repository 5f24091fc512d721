"""`make run` and backfills: jobs in this process, on the instance that the UI shows."""

import json
import os
import shlex
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, cast

from common.commands import before_ending
from common.settings import PROJECT_DIR, Settings
from common.warehouse import DamagedFileError, full_disk, make_data_folder, unwritable
from orchestration.days import Days, tags_of_days

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation, AssetMaterialization, ExecuteInProcessResult, TableRecord

POSTGRES_VARIABLE = "GROWTH_DAGSTER_POSTGRES_URL"
# The libraries make millions of objects that live as long as the process: looking through them again and again for
# garbage, and once more at the end, is a tenth of a small run.
GARBAGE_THRESHOLDS = (100_000, 50, 100)
LOCATION_TAG = {".dagster/repository": "__repository__@growth_pipeline"}


def prepare_dagster_home(settings: Settings) -> None:
    """Make Dagster's home in the data folder and point this process at it.

    Raises `DataDirError` if the folder cannot be written.
    """
    home = settings.dagster_home
    try:
        make_data_folder(settings.data_dir)
        home.mkdir(exist_ok=True)
        # dbt in a shell finds no copy here, and says how to make one.
        settings.private_warehouse_path.parent.mkdir(parents=True, exist_ok=True)
        # One rename, since another run may be reading it.
        with NamedTemporaryFile("w", dir=home, suffix=".yaml", delete=False) as file:
            file.write(_instance_configuration(settings))
        Path(file.name).replace(home / "dagster.yaml")
    except OSError as error:
        raise unwritable(settings.data_dir, error) from error
    os.environ["DAGSTER_HOME"] = str(home)
    if settings.dagster_postgres_url:
        os.environ[POSTGRES_VARIABLE] = settings.dagster_postgres_url


def _instance_configuration(settings: Settings) -> str:
    """Dagster's configuration; the address, which has a password in it, stays in the environment."""
    configuration = Path(__file__).with_name("dagster.yaml").read_text()
    if settings.dagster_postgres_url:
        return f"{configuration}\nstorage:\n  postgres:\n    postgres_url:\n      env: {POSTGRES_VARIABLE}\n"
    events = {
        "module": "orchestration.event_log",
        "class": "EventLogStorage",
        "config": {"base_dir": str(settings.dagster_home / "history" / "runs")},
    }
    return f"{configuration}\nevent_log_storage: {json.dumps(events)}\n"


def run_daily(settings: Settings, say: Callable[[str], None] = print) -> bool:
    """Run the daily job and say what it did; whether it succeeded."""
    started = time.monotonic()
    say(f"growth-pipeline: sources {settings.resolved_source_root}, data folder {settings.data_dir}")
    prepare_dagster_home(settings)
    from orchestration.definitions import DAILY_JOB_NAME

    ready_seconds = time.monotonic() - started
    say(f"  ready after {ready_seconds:.1f} s")
    result = _execute(settings, DAILY_JOB_NAME, {}, say)
    _summarize(settings, result, ready_seconds, time.monotonic() - started, say)
    return result.success


def run_backfill(settings: Settings, days: Days, say: Callable[[str], None] = print) -> bool:
    """Build these days again in one run, then refresh what is made of them and publish; whether both succeeded."""
    return run_days(settings, days, say) and run_daily(settings, say)


def run_days(settings: Settings, days: Days, say: Callable[[str], None] = print) -> bool:
    """Build these days again in one run and validate them, as a run of partitions from the UI does; its success."""
    prepare_dagster_home(settings)
    from orchestration.definitions import DAYS_JOB_NAME

    say(f"growth-pipeline: building {days} again")
    result = _execute(settings, DAYS_JOB_NAME, tags_of_days(days), say)
    _say_failures(result, say)
    if result.success:
        _say_checks(result.get_asset_check_evaluations(), say)
    return result.success


def _execute(
    settings: Settings, job_name: str, tags: Mapping[str, str], say: Callable[[str], None]
) -> "ExecuteInProcessResult":
    from dagster import DagsterInstance

    from orchestration.alerting import tell_of_ended_runs
    from orchestration.definitions import PROGRESS, definitions
    from orchestration.runs import cancel_runs_of_this_process, close_dead_runs

    with saying_what_is_damaged(settings), DagsterInstance.get() as instance:
        close_dead_runs(instance)
        before_ending(lambda: cancel_runs_of_this_process(instance))
        # Given again, since Dagster leaves out the configuration of a job that has partitions.
        result = definitions.resolve_job_def(job_name).execute_in_process(
            instance=instance, raise_on_error=False, tags={**LOCATION_TAG, **tags}, run_config=PROGRESS
        )
        tell_of_ended_runs(instance, definitions.resolve_asset_graph(), settings, say)
    return result


@contextmanager
def saying_what_is_damaged(settings: Settings) -> Iterator[None]:
    """Name the SQLite file of Dagster's that cannot be used, or the disk, if that is why Dagster failed."""
    try:
        yield
    except Exception as error:
        if full := full_disk(settings.data_dir, error):
            raise full from error
        damaged = None if settings.dagster_postgres_url else _damaged_database(settings)
        if damaged is None:
            raise
        raise DamagedFileError(
            f"{damaged[0]}, in which Dagster remembers runs, cannot be used ({damaged[1]}): see that the disk has "
            f"room; if the file is damaged, move {settings.dagster_home} away and run again. The past of runs is lost "
            "with it, and no figure; or restore a backup (docs/deploy.md)"
        ) from error


def _damaged_database(settings: Settings) -> tuple[Path, str] | None:
    for path in sorted(settings.dagster_home.rglob("*.db")):
        try:
            with closing(sqlite3.connect(path, timeout=1)) as connection:
                found = connection.execute("pragma quick_check(1)").fetchall()
                connection.execute("begin immediate")
                connection.execute("rollback")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                return path, str(error)
        except sqlite3.DatabaseError as error:
            return path, str(error)
        else:
            if found != [("ok",)]:
                return path, str(found[0][0])
    return None


def _say_failures(result: "ExecuteInProcessResult", say: Callable[[str], None]) -> None:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            say(f"  {event.step_key} failed: {cause.message.strip() if cause else 'no message'}")
        elif event.event_type_value == "PIPELINE_FAILURE" and (error := event.job_failure_data.error):
            # Before any step: the working file could not be held.
            say(f"  the run failed: {(error.cause or error).message.strip()}")


def _summarize(
    settings: Settings,
    result: "ExecuteInProcessResult",
    ready_seconds: float,
    seconds: float,
    say: Callable[[str], None],
) -> None:
    from orchestration.coverage import coverage_lines
    from orchestration.keys import PAGE_KEY, PUBLISHED_KEY

    say("")
    say(f"  {'step':<28}{'seconds':>8}")
    say(f"  {'start':<28}{ready_seconds:>8.1f}")
    for event in result.all_events:
        if event.is_step_success:
            say(f"  {event.step_key:<28}{event.step_success_data.duration_ms / 1000:>8.1f}")
    _say_failures(result, say)
    say(f"  {'in all':<28}{seconds:>8.1f}")
    say("")
    materialized = result.get_asset_materialization_events()
    _say_set_aside(settings, [event.materialization for event in materialized], say)
    _say_checks(result.get_asset_check_evaluations(), say)
    published = [event.materialization for event in materialized if event.asset_key == PUBLISHED_KEY]
    if published:
        for line in coverage_lines(settings.serving_path):
            say(f"  {line}")
        metadata = published[0].metadata
        if "unchanged_since_run" in metadata:
            say(f"  nothing is new since run {metadata['unchanged_since_run'].value}, which made what readers see")
        else:
            say(f"  published {settings.serving_path} as of {metadata['as_of_date'].value}")
        if any(event.asset_key == PAGE_KEY for event in materialized):
            say(f"  the daily page: {settings.page_path} (open it in a browser; it needs no server and no network)")
        say(f'  look next: {_python(settings)} -m serving query "from rpt_arr_mix_progress order by as_of desc, band"')
        say(f"             {_data_dir(settings)} make ui")
    else:
        say("  nothing was published; what readers see stays as it was")


def _say_set_aside(
    settings: Settings, materializations: Sequence["AssetMaterialization"], say: Callable[[str], None]
) -> None:
    """How many rows each table set aside. A load that failed has said so itself, and has no figures here."""
    loaded = [each for each in materializations if "rows_set_aside" in each.metadata]
    rows = {each.asset_key.path[-1]: cast("int", each.metadata["rows_set_aside"].value) for each in loaded}
    if loaded:
        say(f"  {sum(rows.values()):,} rows set aside in this run")
    for table, count in rows.items():
        if count:
            say(f"    {table}: {count:,}")
    if any(rows.values()):
        say(f"    what is wrong with them: {_python(settings)} -m ingestion rejects")


def _python(settings: Settings) -> str:
    """How a person starts Python on this data folder, in the project's own."""
    return f"{_data_dir(settings)} {shlex.quote(os.path.relpath(sys.executable, PROJECT_DIR))}"


def _data_dir(settings: Settings) -> str:
    """The data folder as a shell takes it, whatever is in its name; make would expand a `$` in an argument."""
    return f"GROWTH_DATA_DIR={shlex.quote(str(settings.data_dir))}"


def _say_checks(checks: Sequence["AssetCheckEvaluation"], say: Callable[[str], None]) -> None:
    """How many expectations were asked, and which were not met: a warning blocks nothing."""
    from dagster import AssetCheckSeverity

    asked = sum(len(_expectations(check)) for check in checks)
    not_passed = [check for check in checks if not check.passed]
    warned = [check for check in not_passed if check.severity is AssetCheckSeverity.WARN]
    say(
        f"  {asked:,} expectations in {len(checks):,} checks: {len(not_passed) - len(warned)} checks failed, "
        f"{len(warned)} warned (a warning stops nothing; quality.expectation_results has every result)"
    )
    for check in not_passed:
        said = "warned" if check in warned else "FAILED"
        say(f"    {said}: {'.'.join(check.asset_key.path)}: {', '.join(_not_passed(check))}")


def _expectations(check: "AssetCheckEvaluation") -> Sequence["TableRecord"]:
    """The expectations that a check of a gate is made of; another check has none."""
    from dagster import TableMetadataValue

    table = check.metadata.get("expectations")
    return table.records if isinstance(table, TableMetadataValue) else []


def _not_passed(check: "AssetCheckEvaluation") -> list[str]:
    """The expectations of a check that did not pass, or the check's own name if it is made of none."""
    return [str(each.data["expectation"]) for each in _expectations(check) if each.data["status"] != "passed"] or [
        check.check_name
    ]

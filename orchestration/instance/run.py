"""Runs in this process, on the instance that the UI shows."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.instance.home import prepare_dagster_home
from settings import Settings
from transform.days import Days, tags_of_days
from warehouse.folder import DamagedFileError, out_of_room
from warehouse.process import before_ending

if TYPE_CHECKING:
    from dagster import AssetKey, ExecuteInProcessResult

# What a run prints. Alerts are sent after its last step, when Dagster passes on no log any more.
progress = logging.getLogger("growth.progress")
# The libraries make millions of objects that live as long as the process; collecting garbage among them takes a tenth
# of a small run.
GARBAGE_THRESHOLDS = (100_000, 50, 100)


def run_daily(settings: Settings) -> "ExecuteInProcessResult":
    """Run the daily job: load, build, validate and publish.

    If nothing is new, run only what comes after publishing: Dagster's events of the other steps cost more than they do.
    """
    prepare_dagster_home(settings)
    from orchestration.build_state import nothing_is_new
    from orchestration.definitions import DAILY_JOB_NAME, steps_after_publishing

    after = [step.key for step in steps_after_publishing(settings)] if nothing_is_new(settings) else None
    return _execute(settings, DAILY_JOB_NAME, assets=after)


def run_days(settings: Settings, days: Days) -> "ExecuteInProcessResult":
    """Rebuild these days in one run and validate them, as a backfill from the UI does. Publishes nothing."""
    prepare_dagster_home(settings)
    from orchestration.definitions import DAYS_JOB_NAME

    return _execute(settings, DAYS_JOB_NAME, days=days)


def _execute(
    settings: Settings, job_name: str, *, days: Days | None = None, assets: Sequence["AssetKey"] | None = None
) -> "ExecuteInProcessResult":
    """Run a job, or these assets of it."""
    from dagster import DagsterInstance

    from orchestration.alerts.messages import owners_of_specs
    from orchestration.alerts.sensor import tell_of_ended_runs
    from orchestration.definitions import PROGRESS, definitions
    from orchestration.instance.run_processes import (
        PROCESS_TAG,
        cancel_runs_of_this_process,
        close_dead_runs,
        this_process,
    )
    from orchestration.instance.timeline import LOCATION_TAG, show_on_timeline

    with naming_the_damaged_file(settings), DagsterInstance.get() as instance:
        close_dead_runs(instance)
        before_ending(lambda: cancel_runs_of_this_process(instance))
        # The warehouse's resource sets it too, but a run with nothing new does not open the warehouse.
        process_tag = {PROCESS_TAG: this_process()}
        # The configuration is passed again, since Dagster drops that of partitioned jobs.
        result = definitions.resolve_job_def(job_name).execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags=LOCATION_TAG | process_tag | (tags_of_days(days) if days else {}),
            run_config=PROGRESS,
            asset_selection=assets,
        )
        # Steps that open the warehouse say this when they begin; what follows publishing does not open it.
        show_on_timeline(instance, result.run_id)
        tell_of_ended_runs(instance, owners_of_specs(definitions.resolve_all_asset_specs()), settings, progress)
    return result


@contextmanager
def naming_the_damaged_file(settings: Settings) -> Iterator[None]:
    """Turn an error of Dagster into one that names its unusable SQLite file, or the full disk."""
    try:
        yield
    except Exception as error:
        if full := out_of_room(settings.data_dir, error):
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

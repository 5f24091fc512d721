"""A sensor that starts a run when files under the source root are new or replaced."""

import json
from pathlib import Path

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from connectors.landing import is_landed
from ingestion.contract.model import load_contract
from ingestion.read.files import SourceRoot
from settings import Settings

FILES_TAG = "growth/files"
MAX_ATTEMPTS = 3
EVERY_SECONDS = 60


def build_new_files_sensor(settings: Settings, job_name: str) -> SensorDefinition:
    """The sensor for a job. Its cursor is the state that was last loaded, and how many loads there were; only a
    successful run moves it.
    """

    @sensor(
        name="new_files",
        job_name=job_name,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING if settings.env == "production" else DefaultSensorStatus.STOPPED,
        description="New or replaced files under the source root, once they have stopped changing; not landed ones.",
    )
    def new_files(context: SensorEvaluationContext) -> SensorResult:
        root = SourceRoot(settings.resolved_source_root, Path())
        listing = root.list_files(load_contract())
        # A run lands files itself: if those started the next run, runs would never end.
        for table, files_of_table in listing.files.items():
            listing.files[table] = [file for file in files_of_table if not is_landed(file.path)]
        files = listing.fingerprint
        cursor = json.loads(context.cursor) if context.cursor else {}
        loads = cursor.get("loads", 0)
        if files == cursor.get("loaded"):
            return SensorResult(skip_reason="no file has changed since the last load that this sensor asked for")
        seen = json.dumps({"loaded": cursor.get("loaded"), "loads": loads, "seen": files})
        if files != cursor.get("seen"):
            return SensorResult(skip_reason="files are changing: wait until they have stopped", cursor=seen)
        # A file from before may come back: runs that loaded it then do not count.
        load = f"{files}-{loads}"
        runs = context.instance.get_runs(RunsFilter(job_name=job_name, tags={FILES_TAG: load}))
        if any(run.status is DagsterRunStatus.SUCCESS for run in runs):
            loaded = json.dumps({"loaded": files, "loads": loads + 1, "seen": files})
            return SensorResult(skip_reason="the new files are loaded", cursor=loaded)
        working = [run.run_id for run in runs if not run.is_finished]
        if working:
            return SensorResult(skip_reason=f"run {working[0]} is at work on the new files")
        if len(runs) >= MAX_ATTEMPTS:
            return SensorResult(
                skip_reason=SkipReason(
                    f"{len(runs)} runs on these files failed: mend the files, which starts a run, or what else is "
                    "wrong, and start one by hand"
                )
            )
        return SensorResult(run_requests=[RunRequest(run_key=f"{load}-{len(runs)}", tags={FILES_TAG: load})])

    return new_files

"""`dbt retry` for a run that is resumed from its failure: models already built are not built again."""

import json
from collections.abc import Collection
from pathlib import Path

from dagster import DagsterRun

from settings import Settings
from warehouse.connection import connect

FROM_FAILURE_TAG = "dagster/is_resume_retry"
STATE = "select (select max(turn) from quality.builds), (select max(turn) from raw.loaded_files)"


def note_failure(settings: Settings, run_id: str, built: Collection[str]) -> None:
    note = {"run": run_id, "built": sorted(built), "state": _state(settings)}
    _path(settings).write_text(json.dumps(note))


def built_before(run: DagsterRun, settings: Settings) -> set[str]:
    """What the failed parent run had built; empty if anything was loaded or built since."""
    if run.tags.get(FROM_FAILURE_TAG) != "true" or not _path(settings).exists():
        return set()
    note = json.loads(_path(settings).read_text())
    is_as_it_was = note["run"] == run.parent_run_id and note["state"] == _state(settings)
    return set(note["built"]) if is_as_it_was else set()


def _path(settings: Settings) -> Path:
    return settings.dbt_target_dir / "failed_build.json"


def _state(settings: Settings) -> list[str]:
    """Changes whenever something is loaded or built."""
    with connect(settings.warehouse_path, read_only=True) as connection:
        return list(connection.execute(STATE).fetchall()[0])

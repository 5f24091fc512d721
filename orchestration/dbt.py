"""dbt in this process: started once a run instead of once a command, and gone with the run if it is killed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from common.settings import PROJECT_DIR, Settings

DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
SLOW_NODE_SECONDS = 2.0
# What a person edits, the seeds, is tested in every run. The tests of models are for those who edit models: in a run
# the gates look at the same tables, and ask each thing once.
LEFT_TO_DEVELOPERS = (
    "resource_type:unit_test",
    "resource_type:test,path:models",
    "resource_type:test,path:tests/models",
)


class DbtError(RuntimeError):
    """dbt stopped; the message is dbt's own, with the node that it is about."""


def build_models(selection: Sequence[str], settings: Settings, say: Callable[[str], None]) -> list[Any]:
    """Build the selected nodes, test the seeds among them, and return the results (dbt's `RunResult`).

    `say` is told of nodes that take long. Raises `DbtError` with what failed.
    """
    target_dir = settings.dbt_target_dir / "run"
    # dbt would write the manifest twice a build, a second each time, and nothing reads it.
    arguments = ["build", "--no-write-json", "--select", *selection, "--exclude", *LEFT_TO_DEVELOPERS]
    return invoke_dbt(arguments, settings, target_dir, manifest=_parsed_project(settings, _newest_change()), say=say)


def invoke_dbt(
    arguments: Sequence[str],
    settings: Settings,
    target_dir: Path,
    *,
    manifest: Any = None,
    say: Callable[[str], None] | None = None,
) -> Any:
    """Run a dbt command on the project and return what came of it: results of nodes, or what else the command gives.

    With a `manifest` the project is not parsed again. Raises `DbtError` with what failed.
    """
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        if say and event.info.name == "LogModelResult" and event.data.execution_time >= SLOW_NODE_SECONDS:
            say(f"{event.data.description}: {event.data.execution_time:.1f} s")

    target_dir.mkdir(parents=True, exist_ok=True)
    flags = ["--quiet", "--log-level", "none", "--log-level-file", "info"]
    with _environment(dbt_environment(settings, target_dir)):
        try:
            done = dbtRunner(manifest, callbacks=[on_event]).invoke(
                [*flags, *arguments, "--project-dir", str(DBT_PROJECT_DIR)]
            )
        finally:
            _let_go_of_the_warehouse()
    results: Any = getattr(done.result, "results", done.result)
    if not done.success:
        failed = [
            f"{result.node.name}: {(result.message or str(result.status)).strip()}"
            for result in results or []
            if result.status in ("error", "fail", "runtime error")
        ]
        raise DbtError("; ".join(failed) or str(done.exception))
    return results


def current_manifest(settings: Settings) -> Path:
    """Path of a manifest that is as new as every file of the dbt project, parsed again if it is not.

    Raises `DbtError` with dbt's own message if the project does not parse.
    """
    manifest = _manifest_path(settings)
    if not _is_current(manifest, _newest_change()):
        _parsed_project(settings, _newest_change())
    return manifest


@lru_cache(maxsize=1)
def _parsed_project(settings: Settings, newest_change: float) -> Any:
    """The project as dbt parsed it, once a process for each state of its files; writes the manifest if it is older."""
    manifest = _manifest_path(settings)
    parsing = settings.dbt_target_dir / "parsing"
    if _is_current(manifest, newest_change):
        return invoke_dbt(["parse", "--no-write-json"], settings, parsing)
    project = invoke_dbt(["parse"], settings, parsing)
    # One rename, so that a process that is killed while dbt writes leaves no half manifest behind.
    (parsing / manifest.name).replace(manifest)
    return project


def _manifest_path(settings: Settings) -> Path:
    return settings.dbt_target_dir / "manifest.json"


def _is_current(manifest: Path, newest_change: float) -> bool:
    return manifest.exists() and manifest.stat().st_mtime >= newest_change


def dbt_environment(settings: Settings, target_dir: Path) -> dict[str, str]:
    """The settings as dbt reads them, with a folder for its artifacts."""
    return {
        "GROWTH_DATA_DIR": str(settings.data_dir),
        "GROWTH_AS_OF": settings.as_of.isoformat() if settings.as_of else "",
        "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(target_dir),
        "DBT_LOG_PATH": str(target_dir),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """dbt reads its settings from the environment, as it does for a person who runs it in a shell."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _let_go_of_the_warehouse() -> None:
    """The adapter keeps its connection for the next command; no other part of the run could open the file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def _newest_change() -> float:
    ignored = {"target", "logs"}
    return max(
        path.stat().st_mtime
        for path in DBT_PROJECT_DIR.rglob("*")
        if path.is_file() and not ignored.intersection(path.relative_to(DBT_PROJECT_DIR).parts)
    )

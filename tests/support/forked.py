"""A process that has the libraries imported and forks one for each run, as a server does that is started once.

Importing Dagster, dbt, dlt and Great Expectations takes most of a small run's time. A forked run is a process of its
own all the same, that can be killed, and imports the project from nothing.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

LIBRARIES = ("dagster", "dagster_dbt", "dbt.cli.main", "dbt.adapters.duckdb", "dlt", "great_expectations", "pyarrow")

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(list(LIBRARIES))


def fork_run(
    project_dir: Path, environment: Mapping[str, str], said: Path, command: Sequence[str]
) -> ForkServerProcess:
    """Start `growth` with a command, which writes what it says into the named pipe `said`."""
    process = _server.Process(
        target=_run, args=(str(project_dir), dict(environment), str(said), list(command)), daemon=True
    )
    process.start()
    return process


def _run(project_dir: str, environment: dict[str, str], said: str, command: list[str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(project_dir)
    sys.path[:] = [project_dir, *(path for path in sys.path if path != project_dir)]
    output = os.open(said, os.O_WRONLY)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    sys.argv = ["growth", *command]
    runpy.run_module("cli", run_name="__main__", alter_sys=True)

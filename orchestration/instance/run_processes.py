"""Which process executes a run, so that a run whose process is gone is told from one that works."""

import socket

import psutil
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

PROCESS_TAG = "growth/process"


def this_process() -> str:
    """Host, process and its start: what tells a living run from one whose process was killed."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{_start_of(process)}"


def close_dead_runs(instance: DagsterInstance, *, are_all_dead: bool = False) -> None:
    """Report runs of this host as failed whose process is gone, so that the UI tells the truth and the pool is free.

    With `are_all_dead` every run that has begun: what a backup remembers of them.
    """
    open_statuses = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    for run in instance.get_runs(RunsFilter(statuses=open_statuses)):
        tag = run.tags.get(PROCESS_TAG)
        is_dead = tag and tag.startswith(f"{socket.gethostname()}/") and not _is_alive(tag)
        if is_dead or are_all_dead:
            instance.report_run_failed(run, "The run's process was killed. Run again: nothing half-done is kept.")


def cancel_runs_of_this_process(instance: DagsterInstance) -> None:
    """Report the runs that end with this process as canceled: somebody asked it to end."""
    statuses = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    mine = RunsFilter(statuses=statuses, tags={PROCESS_TAG: this_process()})
    for run in instance.get_runs(mine):
        instance.report_run_canceled(run, "The run's process was asked to end. Run again: nothing half-done is kept.")


def _is_alive(tag: str) -> bool:
    _, process_id, start = tag.rsplit("/", 2)
    try:
        return _start_of(psutil.Process(int(process_id))) == start
    except psutil.NoSuchProcess:
        return False


def _start_of(process: psutil.Process) -> str:
    """Seconds from the machine's start to the process's: a clock that is set moves both, and not what is between."""
    return f"{process.create_time() - psutil.boot_time():.2f}"

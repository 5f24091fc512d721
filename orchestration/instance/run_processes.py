"""Tag runs with their process, to tell runs whose process is dead from active ones."""

import socket

import psutil
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

PROCESS_TAG = "growth/process"


def this_process() -> str:
    """Host, process id and start: identifies a process even if its id is reused."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{_start_of(process)}"


def close_dead_runs(instance: DagsterInstance, *, are_all_dead: bool = False) -> None:
    """Report runs of this host as failed, or as canceled if that was asked for, if their process is dead, which frees
    the pool.

    With `are_all_dead` every unfinished run: those in a restored backup.
    """
    open_statuses = [
        DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING
    ]  # fmt: skip
    killed = "The run's process was killed. Run again: nothing half-done is kept."
    for run in instance.get_runs(RunsFilter(statuses=open_statuses)):
        tag = _tag_of_its_process(instance, run)
        is_dead = tag and tag.startswith(f"{socket.gethostname()}/") and not _is_alive(tag)
        if (is_dead or are_all_dead) and run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, killed)
        elif is_dead or are_all_dead:
            instance.report_run_failed(run, killed)


def _tag_of_its_process(instance: DagsterInstance, run: DagsterRun) -> str | None:
    """The tag, unless it was copied: a run that is executed again begins with the tags of the one before."""
    tag = run.tags.get(PROCESS_TAG)
    before = instance.get_run_by_id(run.parent_run_id) if tag and run.parent_run_id else None
    return None if before and before.tags.get(PROCESS_TAG) == tag else tag


def cancel_runs_of_this_process(instance: DagsterInstance) -> None:
    """Report this process's runs as canceled when it is asked to end."""
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
    """Seconds between the start of the machine and of the process, which setting the clock does not change."""
    return f"{process.create_time() - psutil.boot_time():.2f}"

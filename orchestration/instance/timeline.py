"""Runs of the command line on the timeline of their job, where Dagster shows those that know their code location."""

from dagster import DagsterInstance

# `execute_in_process` has no public parameter for the code location of its run.
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

CODE_LOCATION = "growth_pipeline"
REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), "__repository__")
# What the list of runs of a job asks for.
LOCATION_TAG = {".dagster/repository": REPOSITORY.get_label()}


def show_on_timeline(instance: DagsterInstance, run_id: str) -> None:
    """Say where the code of a run is; nothing for one that Dagster's services have started, which know it."""
    run = instance.get_run_by_id(run_id)
    if run is not None and run.remote_job_origin is None:
        # What `dagster run migrate-repository` does.
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(REPOSITORY, run.job_name))

"""Resources that the steps of a run share."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process

from dagster import ConfigurableResource, DagsterInstance, InitResourceContext

from orchestration.instance.run_processes import PROCESS_TAG, cancel_runs_of_this_process, this_process
from orchestration.instance.timeline import show_on_timeline
from settings import Settings, get_settings
from warehouse.lock import hold
from warehouse.process import before_ending, end_on_signals


class Warehouse(ConfigurableResource):
    """The warehouse, locked from the first step of a run that needs it to the last."""

    @property
    def settings(self) -> Settings:
        return get_settings()

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["Warehouse"]:
        """Wait for the lock on the warehouse and hold it for this run."""
        assert context.log is not None
        assert context.instance is not None
        assert context.run_id is not None
        context.instance.add_run_tags(context.run_id, {PROCESS_TAG: this_process()})
        show_on_timeline(context.instance, context.run_id)
        _end_when_asked(context.instance)
        with hold(get_settings().warehouse_path, f"run {context.run_id}", say=context.log.warning):
            yield self


def _end_when_asked(instance: DagsterInstance) -> None:
    """End a process that Dagster started for one run when the UI terminates it: libraries catch Dagster's exception.

    Our own commands do so from their start.
    """
    if parent_process() is not None and threading.current_thread() is threading.main_thread():
        before_ending(lambda: cancel_runs_of_this_process(instance))
        end_on_signals()

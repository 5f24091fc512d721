"""What the steps of a run share."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import ConfigurableResource, InitResourceContext

from common.settings import Settings, get_settings
from common.warehouse import hold
from orchestration.runs import PROCESS_TAG, this_process


class Warehouse(ConfigurableResource):
    """The working file, held from the first step of a run that needs it to the last."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return get_settings()

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["Warehouse"]:
        """Wait until no other run has the file, then keep it for this one."""
        assert context.log is not None
        assert context.instance is not None
        assert context.run_id is not None
        context.instance.add_run_tags(context.run_id, {PROCESS_TAG: this_process()})
        with hold(get_settings().warehouse_path, f"run {context.run_id}", say=context.log.info):
            yield self

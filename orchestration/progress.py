"""What a person sees on the console while a run works: a line a step, and what the steps say."""

import logging
import sys
from typing import TYPE_CHECKING

from dagster import DagsterEventType, InitLoggerContext, LoggerDefinition

if TYPE_CHECKING:
    from dagster import DagsterEvent


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: DagsterEvent | None = getattr(record, "dagster_event", None)
        meta = getattr(record, "dagster_meta", {})
        if event is None:
            return f"    {meta.get('orig_message', record.getMessage())}"
        if event.event_type is DagsterEventType.STEP_START:
            return f"  {event.step_key} ..."
        if event.event_type is DagsterEventType.STEP_SUCCESS:
            return f"  {event.step_key} done in {event.step_success_data.duration_ms / 1000:.1f} s"
        if event.event_type is DagsterEventType.STEP_SKIPPED:
            return f"  {event.step_key} skipped"
        return f"  {event.step_key} FAILED"


class _Filter(logging.Filter):
    SHOWN = (
        DagsterEventType.STEP_START,
        DagsterEventType.STEP_SUCCESS,
        DagsterEventType.STEP_SKIPPED,
        DagsterEventType.STEP_FAILURE,
    )

    def filter(self, record: logging.LogRecord) -> bool:
        event: DagsterEvent | None = getattr(record, "dagster_event", None)
        if event is not None:
            return event.event_type in self.SHOWN
        # That a step waits for one that failed is Dagster's to show; the console says which one failed.
        return record.levelno >= logging.INFO and "Dependencies for step" not in record.getMessage()


def _make_logger(_context: InitLoggerContext) -> logging.Logger:
    progress = logging.Logger("progress", level=logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    handler.addFilter(_Filter())
    progress.addHandler(handler)
    return progress


# Writes progress to standard error, not the hundreds of events behind it.
progress_logger = LoggerDefinition(_make_logger, description="Steps as they start and end, and what they say.")

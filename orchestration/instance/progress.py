"""What is on the console while a run works: a line a step for a person, or lines of JSON for a program."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dagster import DagsterEventType, InitLoggerContext, LoggerDefinition

from settings import get_settings

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


class JsonFormatter(logging.Formatter):
    """A line of JSON with the run, the step and the asset that it is about: the step's name if it makes many."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        event: DagsterEvent | None = getattr(record, "dagster_event", None)
        meta = getattr(record, "dagster_meta", {})
        step = meta.get("step_key") or (event.step_key if event else None)
        return json.dumps(
            {
                "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "run": meta.get("run_id"),
                "job": meta.get("job_name"),
                "step": step,
                "asset": _asset_of(event) or step,
                "message": meta.get("orig_message") or (event.message if event else None) or record.getMessage(),
            }
        )


def _asset_of(event: "DagsterEvent | None") -> str | None:
    if event is None:
        return None
    is_check = event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION
    key = event.asset_check_evaluation_data.asset_key if is_check else event.asset_key
    return key.to_user_string() if key else None


STEPS = (
    DagsterEventType.STEP_START,
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_SKIPPED,
    DagsterEventType.STEP_FAILURE,
)
ASSETS = (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION)


class _Filter(logging.Filter):
    def __init__(self, shown: tuple[DagsterEventType, ...]) -> None:
        super().__init__()
        self._shown = shown

    def filter(self, record: logging.LogRecord) -> bool:
        event: DagsterEvent | None = getattr(record, "dagster_event", None)
        if event is not None:
            return event.event_type in self._shown
        # That a step waits for one that failed is Dagster's to show; the console says which one failed.
        return record.levelno >= logging.INFO and "Dependencies for step" not in record.getMessage()


def _make_logger(_context: InitLoggerContext) -> logging.Logger:
    progress = logging.Logger("progress", level=logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    is_json = get_settings().log_format == "json"
    handler.setFormatter(JsonFormatter() if is_json else _Formatter())
    handler.addFilter(_Filter((*STEPS, *ASSETS) if is_json else STEPS))
    progress.addHandler(handler)
    return progress


# Writes progress to standard error, not the hundreds of events behind it.
progress_logger = LoggerDefinition(_make_logger, description="Steps as they start and end, and what they say.")

"""The progress logger of a run: the console of `growth run`, or log lines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dagster import DagsterEventType, InitLoggerContext, LoggerDefinition

from settings import get_settings

if TYPE_CHECKING:
    from dagster import DagsterEvent


class JsonFormatter(logging.Formatter):
    """JSON lines with run, step and asset; the step's name if it has several assets."""

    def format(self, record: logging.LogRecord) -> str:
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


SHOWN = (
    DagsterEventType.STEP_START,
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_SKIPPED,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
)


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        event: DagsterEvent | None = getattr(record, "dagster_event", None)
        return event.event_type in SHOWN if event is not None else record.levelno >= logging.INFO


def _make_logger(_context: InitLoggerContext) -> logging.Logger:
    """The logger of a run: `growth run` attaches a console to it; otherwise it writes to standard error."""
    progress = logging.getLogger("growth.progress")
    progress.propagate = False
    progress.setLevel(logging.DEBUG)
    if not progress.handlers:
        handler = logging.StreamHandler(sys.stderr)
        is_json = get_settings().log_format == "json"
        handler.setFormatter(JsonFormatter() if is_json else logging.Formatter("%(message)s"))
        handler.addFilter(_Filter())
        progress.addHandler(handler)
    return progress


# Writes the progress of a run, not every event.
progress_logger = LoggerDefinition(_make_logger, description="Steps as they start and end, and what they log.")

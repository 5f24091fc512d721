"""A line for each step of a run as it ends: its name, its seconds and what it did."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation, AssetMaterialization, DagsterEvent

# In the alert of a figure that crossed a bound.
FIGURE_ALERT = ": warning figure_crossed: "


class StepLines(logging.Handler):
    """Takes the records of a run: Dagster's events, and what the rooms log."""

    def __init__(self, console: Console, live: Status, started: float) -> None:
        super().__init__()
        self._console = console
        self._live = live
        self._started = started
        self._materialized: list[AssetMaterialization] = []
        self._checked: list[AssetCheckEvaluation] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a person wants to see of a record."""
        event: DagsterEvent | None = getattr(record, "dagster_event", None)
        if event is None:
            self._print_message(record)
        elif event.is_step_start:
            self._live.update(f"{name_of_step(event.step_key or '')} (since {time.monotonic() - self._started:.0f} s)")
        elif event.is_step_materialization:
            self._materialized.append(event.step_materialization_data.materialization)
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            self._checked.append(event.asset_check_evaluation_data)
        elif event.is_step_success:
            self._print_step(event)
        elif event.is_step_failure or event.is_step_skipped:
            self._console.print(
                f"  {name_of_step(event.step_key or ''):<46}{'failed' if event.is_step_failure else 'skipped':>9}"
            )
            self._forget_outcome()
        elif event.is_step_up_for_retry:
            self._forget_outcome()

    def _print_message(self, record: logging.LogRecord) -> None:
        message = getattr(record, "dagster_meta", {}).get("orig_message", record.getMessage())
        # That a step waits for one that failed is Dagster's to show; the console says which one failed.
        if record.levelno >= logging.WARNING and "Dependencies for step" not in message:
            self._console.print(f"warning: {message}", style="yellow")
        # The other alerts repeat a failed step or check, which the console says by itself.
        elif FIGURE_ALERT in message:
            self._console.print(message, style="yellow")

    def _print_step(self, event: "DagsterEvent") -> None:
        seconds = event.step_success_data.duration_ms / 1000
        outcome = outcome_of_step(self._materialized, self._checked)
        self._console.print(f"  {name_of_step(event.step_key or ''):<46}{seconds:>7.1f} s   {outcome}".rstrip())
        self._forget_outcome()

    def _forget_outcome(self) -> None:
        self._materialized, self._checked = [], []


def name_of_step(key: str) -> str:
    """A step's name as a person reads it: `marts__fct_usage_daily_every_day_is_built` is a check of a table."""
    return (
        key.replace("__", ".", 1).replace("_", " ") if key.startswith(("gate", "build")) else key.replace("__", ".", 1)
    )


def outcome_of_step(materialized: Sequence["AssetMaterialization"], checked: Sequence["AssetCheckEvaluation"]) -> str:
    """What a step did, in a few words: rows loaded, tables built, expectations checked."""
    landed, changed, set_aside = (
        _sum(materialized, name) for name in ("rows_landed", "rows_changed", "rows_set_aside")
    )
    if changed is not None:
        hint = " (`growth rejects` lists them)" if set_aside else ""
        before = "" if landed is None else f"{landed:,} rows landed, "
        return f"{before}{changed:,} rows written, {set_aside:,} set aside{hint}"
    if len(materialized) > 1:
        return f"{len({each.asset_key for each in materialized})} tables"
    if len(checked) > 1:
        not_passed = sum(not check.passed for check in checked)
        return f"{len(checked)} checks, {not_passed or 'none'} not passed"
    return ""


def _sum(materialized: Sequence["AssetMaterialization"], name: str) -> int | None:
    """A figure of several assets together; None if none has it."""
    values = [int(str(each.metadata[name].value)) for each in materialized if name in each.metadata]
    return sum(values) if values else None

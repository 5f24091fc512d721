"""What a run prints: its steps as they end, each warning once, the headline, and where to look next.

A terminal gets colour and a live line; a pipe gets plain text.
"""

import logging
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.console import Console

from cli.log import leave_log_to_run
from cli.step_lines import StepLines, name_of_step
from settings import Settings

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult

MOST_WARNINGS = 12
SHOWN_CHARACTERS = 320


class RunConsole(Console):
    """A console whose reader may go away, as `head` does: the run goes on to its end without it."""

    def on_broken_pipe(self) -> None:
        """Print nothing more, and let nothing fail that is flushed later."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_and_show(settings: Settings, run: Callable[[Settings], "ExecuteInProcessResult"]) -> bool:
    """Run a job in this process and print what it does; whether it succeeded."""
    started = time.monotonic()
    console = RunConsole(soft_wrap=True, highlight=False, markup=False)
    console.print(f"growth-pipeline: sources {settings.resolved_source_root}, data folder {settings.data_dir}")
    leave_log_to_run()
    progress = logging.getLogger("growth.progress")
    with console.status("starting") as live:
        if settings.log_format == "text":
            progress.handlers = [StepLines(console, live, started)]
        result = run(settings)
    seconds = time.monotonic() - started
    _print_steps_left_out(console, result, seconds)
    _print_failures(console, result)
    _print_warnings(console, result)
    if result.success:
        _print_published(console, settings, result)
    elif _is_published(result):
        console.print("The figures were published, but another step failed: see above.", style="bold red")
    else:
        console.print("Nothing was published; readers still see the last publish.", style="bold red")
    return result.success


def _print_steps_left_out(console: Console, result: "ExecuteInProcessResult", seconds: float) -> None:
    """The rest of the sum: starting Python, Dagster's own work between the steps, and steps that failed."""
    steps = sum(event.step_success_data.duration_ms for event in result.all_events if event.is_step_success) / 1000
    rest = "start and between steps" if result.success else "start, failed steps and between steps"
    console.print(f"  {rest:<46}{max(seconds - steps, 0):>7.1f} s")
    console.print(f"  {'total':<46}{seconds:>7.1f} s", style="bold")


def _print_failures(console: Console, result: "ExecuteInProcessResult") -> None:
    from orchestration.checks.sentences import sentence_of_error

    has_failed_step = any(event.is_step_failure for event in result.all_events)
    for event in result.all_events:
        if event.is_step_failure:
            said = sentence_of_error(event.step_failure_data.error)
            console.print(f"failed: {name_of_step(event.step_key or '')}: {said}", style="bold red")
        elif event.is_job_failure and not has_failed_step and (error := event.job_failure_data.error):
            # Before any step: the warehouse could not be locked. A run whose step failed repeats what the step said.
            console.print(f"the run failed: {sentence_of_error(error)}", style="bold red")


def _print_warnings(console: Console, result: "ExecuteInProcessResult") -> None:
    """Each check that did not pass, once, as a sentence with its number of rows."""
    from dagster import AssetCheckSeverity

    from orchestration.checks.sentences import sentences_of_check

    lines = []
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            kind = "warning" if check.severity is AssetCheckSeverity.WARN else "failed"
            lines += [f"{kind}: {sentence}" for sentence in sentences_of_check(check)]
    for line in lines[:MOST_WARNINGS]:
        console.print(
            shorten(line, SHOWN_CHARACTERS, placeholder=" …"),
            style="yellow" if line.startswith("warning") else "bold red",
        )
    if len(lines) > MOST_WARNINGS:
        console.print(f"and {len(lines) - MOST_WARNINGS} more: `growth ui` shows the result of every check")


def _is_published(result: "ExecuteInProcessResult") -> bool:
    from orchestration.assets.keys import PUBLISHED_KEY

    return PUBLISHED_KEY in {event.asset_key for event in result.get_asset_materialization_events()}


def _print_published(console: Console, settings: Settings, result: "ExecuteInProcessResult") -> None:
    from orchestration.assets.keys import PAGE_KEY, PUBLISHED_KEY

    made = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    if not {PUBLISHED_KEY, PAGE_KEY} & made.keys():
        return
    from cli.coverage import coverage_lines
    from cli.headline import headline_lines
    from serving.reader import query

    console.print()
    if PUBLISHED_KEY not in made or "unchanged_since_run" in made[PUBLISHED_KEY]:
        with query("select run_id from publish_info", path=settings.serving_path) as info:
            console.print(f"Nothing is new since run {info.fetchall()[0][0]}.")
    for line in (*headline_lines(settings), *coverage_lines(settings.serving_path)):
        console.print(line)
    if PAGE_KEY in made:
        console.print(f"The daily page: {settings.page_path}")
    console.print(f'Ask:            {_command(settings)} query "from rpt_arr_mix_progress order by as_of desc, band"')
    console.print(f"Dagster's UI:   {_command(settings)} ui")


def _command(settings: Settings) -> str:
    """`growth` as a shell takes it here and on this data folder, whatever is in its name."""
    program = os.path.relpath(Path(sys.executable).with_name("growth"))
    is_default = settings.data_dir == Settings.model_fields["data_dir"].default
    folder = "" if is_default else f"GROWTH_DATA_DIR={shlex.quote(str(settings.data_dir))} "
    return folder + shlex.quote(program)

"""The table of contents: every command of `growth`, in groups.

A command imports the room that it needs when it is called, so that `growth --help` and short commands start at once.
"""

from collections.abc import Callable

import typer

from cli import checking, landing, models, results, runs, safekeeping, sources
from cli.log import show_log

app = typer.Typer(
    help="Daily answers for a product-led company: load, build, validate, publish, and look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# No `-h` here: it would be found in the middle of an argument such as `-metric_time__month`.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": ["--help"]}

# By the panel of `growth --help`.
COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Every day": (runs.run, runs.ui, runs.backfill),
    "Results": (
        results.query, results.metrics, results.versions, results.changes, results.diff, results.rollback,
        results.export, results.digest, results.mcp,
    ),
    "Sources": (checking.init, checking.check, landing.land, sources.load, sources.rejects, sources.sample),
    "Models and expectations": (
        models.try_edits, models.copy, models.build, models.gate, models.expectations, models.docs, sources.contract,
        models.dictionary,
    ),
    "Keeping the data safe": (
        safekeeping.status, safekeeping.backup, safekeeping.restore, safekeeping.forget, safekeeping.close,
    ),
    "Single steps of a run": (
        results.publish, results.page, results.images, results.postgres, models.parse, runs.webserver,
    ),
}  # fmt: skip
for panel, commands in COMMANDS.items():
    for command in commands:
        # `try` is a word of Python's own.
        name = "try" if command is models.try_edits else None
        context_settings = PASSED_ON if command in (results.metrics, models.build) else None
        app.command(name, rich_help_panel=panel, context_settings=context_settings)(command)


@app.callback()
def before_each_command() -> None:
    """Runs before every command."""
    show_log()

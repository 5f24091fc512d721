"""The table of contents: every command of `growth`, in groups.

A command imports what it needs when it is called, so that `growth --help` and short commands start at once.
"""

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

app.command(rich_help_panel="Every day")(runs.run)
app.command(rich_help_panel="Every day")(runs.ui)
app.command(rich_help_panel="Every day")(runs.backfill)

app.command(rich_help_panel="Results")(results.query)
app.command(rich_help_panel="Results", context_settings=PASSED_ON)(results.metrics)
app.command(rich_help_panel="Results")(results.versions)
app.command(rich_help_panel="Results")(results.changes)
app.command(rich_help_panel="Results")(results.diff)
app.command(rich_help_panel="Results")(results.rollback)
app.command(rich_help_panel="Results")(results.export)
app.command(rich_help_panel="Results")(results.digest)
app.command(rich_help_panel="Results")(results.mcp)

app.command(rich_help_panel="Sources")(checking.init)
app.command(rich_help_panel="Sources")(checking.check)
app.command(rich_help_panel="Sources")(landing.land)
app.command(rich_help_panel="Sources")(sources.load)
app.command(rich_help_panel="Sources")(sources.rejects)
app.command(rich_help_panel="Sources")(sources.sample)

app.command("try", rich_help_panel="Models and expectations")(models.try_edits)
app.command(rich_help_panel="Models and expectations")(models.copy)
app.command(rich_help_panel="Models and expectations", context_settings=PASSED_ON)(models.build)
app.command(rich_help_panel="Models and expectations")(models.gate)
app.command(rich_help_panel="Models and expectations")(models.expectations)
app.command(rich_help_panel="Models and expectations")(models.docs)
app.command(rich_help_panel="Models and expectations")(sources.contract)
app.command(rich_help_panel="Models and expectations")(models.dictionary)

app.command(rich_help_panel="Keeping the data safe")(safekeeping.status)
app.command(rich_help_panel="Keeping the data safe")(safekeeping.backup)
app.command(rich_help_panel="Keeping the data safe")(safekeeping.restore)
app.command(rich_help_panel="Keeping the data safe")(safekeeping.forget)
app.command(rich_help_panel="Keeping the data safe")(safekeeping.close)

app.command(rich_help_panel="Single steps of a run")(results.publish)
app.command(rich_help_panel="Single steps of a run")(results.page)
app.command(rich_help_panel="Single steps of a run")(results.images)
app.command(rich_help_panel="Single steps of a run")(results.postgres)
app.command(rich_help_panel="Single steps of a run")(models.parse)
app.command(rich_help_panel="Single steps of a run")(runs.webserver)


@app.callback()
def before_each_command() -> None:
    """Runs before every command."""
    show_log()

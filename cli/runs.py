"""Commands that run the pipeline or serve Dagster's UI."""

import gc
from datetime import datetime
from typing import Annotated

import typer

from settings import SettingsError, get_settings

DAY = ["%Y-%m-%d"]


def run() -> None:
    """Load, build, validate and publish: what every day does."""
    from cli.console import run_and_show
    from orchestration.instance.run import GARBAGE_THRESHOLDS, run_daily

    gc.set_threshold(*GARBAGE_THRESHOLDS)
    is_success = run_and_show(get_settings(), run_daily)
    # Nothing is looked through for garbage again on the way out.
    gc.freeze()
    if not is_success:
        raise typer.Exit(1)


def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=DAY, help="first day, such as 2026-10-01")],
    last: Annotated[datetime, typer.Option("--to", formats=DAY, help="last day")],
) -> None:
    """Rebuild a range of days, then everything that follows from them, and publish."""
    from cli.console import run_and_show
    from orchestration.assets.days import daily_partitions
    from orchestration.instance.run import run_daily, run_days
    from transform.days import Days

    settings, days = get_settings(), Days(first.date(), last.date())
    partitions = daily_partitions(settings)
    if days.first > days.last:
        raise SettingsError(f"--from {days.first} is after --to {days.last}")
    if outside := [str(day) for day in days if not partitions.has_partition_key(day.isoformat())]:
        raise SettingsError(
            f"{outside[-1]} cannot be rebuilt: days run from {partitions.get_first_partition_key()} (GROWTH_FIRST_DAY) "
            f"to {partitions.get_last_partition_key()} (the data day), and `growth run` builds newer ones"
        )
    is_success = run_and_show(settings, lambda each: run_days(each, days)) and run_and_show(settings, run_daily)
    if not is_success:
        raise typer.Exit(1)


def ui() -> None:
    """Serve Dagster's UI and its daemon, on 127.0.0.1 unless GROWTH_UI_HOST names another address."""
    from orchestration.instance.web import require_free_address

    settings = get_settings()
    require_free_address(settings)
    from dagster import DagsterInstance

    from orchestration.instance.home import prepare_dagster_home
    from orchestration.instance.run_processes import close_dead_runs
    from orchestration.instance.web import serve_with_daemon

    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        close_dead_runs(instance)
    raise typer.Exit(serve_with_daemon())


def webserver(
    workspace: Annotated[str, typer.Option(help="a workspace file, such as deploy/systemd/workspace.yaml")],
) -> None:
    """Serve Dagster's UI alone, for the code of a workspace file."""
    from orchestration.instance.home import prepare_dagster_home
    from orchestration.instance.web import require_free_address, serve
    from warehouse.process import end_as_usual

    settings = get_settings()
    require_free_address(settings)
    prepare_dagster_home(settings)
    end_as_usual()
    print(f"Dagster's UI: {settings.ui_address}", flush=True)
    raise typer.Exit(serve(settings, workspace))

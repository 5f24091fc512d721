"""The project's commands that need every room, from a run to a backup."""

from warehouse.process import start_command

if __name__ == "__main__":
    # Before anything else, since libraries take a second to load.
    start_command()

import argparse
import gc
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

import duckdb
from pydantic import ValidationError

from ingestion.errors import SourceError
from operations.backup import BEFORE, BackupError, back_up, restore
from orchestration.instance.web import AddressError, require_free_address, serve, serve_with_daemon
from settings import Settings, describe_settings_errors, get_settings
from transform.days import Days
from transform.dbt_runner import DbtError
from warehouse.compaction import CompactionError
from warehouse.folder import DataDirError, full_disk
from warehouse.lock import WarehouseBusyError


def main() -> int:
    """Run the command; 0 when it did what it says, 1 when it failed, 2 when a setting is wrong."""
    parser = argparse.ArgumentParser(prog="python -m orchestration", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="load, build, validate and publish, in this process")
    commands.add_parser("ui", help="Dagster's web server and daemon, on 127.0.0.1 unless GROWTH_UI_HOST says otherwise")
    serving = commands.add_parser("webserver", help="Dagster's web server alone, for the code of a workspace file")
    serving.add_argument("--workspace", required=True, help="such as deploy/systemd/workspace.yaml")
    commands.add_parser("parse", help="parse the dbt project, which the first command on a data folder does otherwise")
    asking = commands.add_parser(
        "metrics", help="MetricFlow (`mf`) on what is published: query, list, validate-configs"
    )
    asking.add_argument("arguments", nargs=argparse.REMAINDER, help="such as: query --metrics mrr")
    commands.add_parser("docs", help="dbt's documentation site, as one file in the data folder")
    backfill = commands.add_parser(
        "backfill", help="build days again in one run, then what is made of them, and publish"
    )
    backfill.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="first day: 2026-10-01")
    backfill.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="last day")
    commands.add_parser("copy", help="make your own copy of the working file, in which dbt in a shell builds")
    commands.add_parser("build", help="dbt build into the shared working file, in its turn: build --select my_model+")
    saving = commands.add_parser("backup", help="copy the data folder's state into a new folder, between two runs")
    saving.add_argument("folder", type=Path, help="where backups are, a folder each")
    restoring = commands.add_parser("restore", help="put a backup in the place of the data folder's state")
    restoring.add_argument("backup", type=Path, help="the folder of the backup")
    forgetting = commands.add_parser("forget", help="delete somebody everywhere, and leave them out of what is loaded")
    whom = forgetting.add_mutually_exclusive_group(required=True)
    whom.add_argument("--email", help="a user's or a payer's address")
    whom.add_argument("--organization", help="an organization's id: its names, its domain and its people")
    options, dbt_arguments = parser.parse_known_args()
    if dbt_arguments and options.command != "build":
        parser.error(f"unrecognized arguments: {' '.join(dbt_arguments)}")
    try:
        actions: dict[str, Callable[[Settings], int]] = {
            "run": _run,
            "backfill": lambda settings: _backfill(settings, Days(options.first, options.last)),
            "copy": _copy,
            "forget": lambda settings: _forget(settings, options.email, options.organization),
            "build": lambda settings: _build(settings, dbt_arguments),
            "ui": _ui,
            "webserver": lambda settings: _webserver(settings, options.workspace),
            "parse": _parse,
            "metrics": lambda settings: _metrics(settings, options.arguments),
            "docs": _docs,
            "backup": lambda settings: _back_up(settings, options.folder),
            "restore": lambda settings: _restore(settings, options.backup),
        }
        return actions[options.command](get_settings())
    except ValidationError as error:
        print(describe_settings_errors(error), file=sys.stderr)
        return 2
    except BackupError as error:
        print(error, file=sys.stderr)
        return 1
    except (AddressError, DataDirError) as error:
        print(error, file=sys.stderr)
        return 2
    except (CompactionError, DbtError, SourceError, WarehouseBusyError, OSError, duckdb.Error) as error:
        print(full_disk(get_settings().data_dir, error) or error, file=sys.stderr)
        return 1


def _run(settings: Settings) -> int:
    from orchestration.instance.run import GARBAGE_THRESHOLDS, run_daily

    gc.set_threshold(*GARBAGE_THRESHOLDS)
    is_success = run_daily(settings)
    gc.freeze()
    return 0 if is_success else 1


def _backfill(settings: Settings, days: Days) -> int:
    from orchestration.instance.run import run_backfill

    if not settings.first_day <= days.first <= days.last:
        print(
            f"{days.first} to {days.last}: the first day comes first, and none before GROWTH_FIRST_DAY "
            f"({settings.first_day})",
            file=sys.stderr,
        )
        return 2
    return 0 if run_backfill(settings, days) else 1


def _copy(settings: Settings) -> int:
    from transform.private_copy import make_private_copy

    print(f"{make_private_copy(settings)} is yours: dbt in dbt_project builds there")
    return 0


def _forget(settings: Settings, email: str | None, organization: str | None) -> int:
    from operations.deletion import forget

    if email is not None:
        return 0 if forget(settings, "address", email) else 1
    assert organization is not None
    return 0 if forget(settings, "organization", organization) else 1


def _build(settings: Settings, arguments: Sequence[str]) -> int:
    from transform.dbt_runner import invoke_dbt, parsed_project
    from warehouse.lock import hold

    if not settings.warehouse_path.exists():
        raise DataDirError(f"nothing is loaded in {settings.data_dir} yet: `make run` first")
    with hold(settings.warehouse_path, "python -m orchestration build"):
        project = parsed_project(settings)
        results = invoke_dbt(
            ["build", *arguments], settings, settings.dbt_target_dir / "build", manifest=project, say=print
        )
    print(f"{len(results)} nodes built and tested; the next refresh checks and publishes them")
    return 0


def _ui(settings: Settings) -> int:
    require_free_address(settings)
    from dagster import DagsterInstance

    from orchestration.instance.run import prepare_dagster_home
    from orchestration.instance.run_processes import close_dead_runs

    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        close_dead_runs(instance)
    return serve_with_daemon(settings)


def _webserver(settings: Settings, workspace: str) -> int:
    from orchestration.instance.run import prepare_dagster_home
    from warehouse.process import end_as_usual

    require_free_address(settings)
    prepare_dagster_home(settings)
    end_as_usual()
    print(f"the UI: http://{settings.ui_host}:{settings.ui_port}", flush=True)
    return serve(settings, workspace)


def _parse(settings: Settings) -> int:
    from orchestration.instance.run import prepare_dagster_home
    from transform.dbt_runner import current_manifest

    prepare_dagster_home(settings)
    current_manifest(settings)
    return 0


def _metrics(settings: Settings, arguments: list[str]) -> NoReturn:
    from transform.dbt_runner import DBT_PROJECT_DIR, current_manifest, dbt_environment

    current_manifest(settings)
    parsed = settings.dbt_target_dir / "parsing"
    # Here, and nowhere else, MetricFlow looks for what dbt wrote when it parsed the project.
    looked_for = DBT_PROJECT_DIR / "target" / "semantic_manifest.json"
    looked_for.parent.mkdir(exist_ok=True)
    shutil.copyfile(parsed / looked_for.name, looked_for)
    environment = dbt_environment(settings, parsed) | {"DBT_TARGET": "published"}
    os.chdir(DBT_PROJECT_DIR)
    mf = Path(sys.executable).with_name("mf")
    os.execve(mf, [str(mf), *arguments], {**os.environ, **environment})


def _docs(settings: Settings) -> int:
    from transform.dbt_runner import invoke_dbt
    from warehouse.lock import hold

    target_dir = settings.data_dir / "docs"
    with hold(settings.warehouse_path, "make docs"):
        invoke_dbt(["docs", "generate", "--static"], settings, target_dir)
    print(f"open {target_dir / 'static_index.html'}")
    return 0


def _back_up(settings: Settings, folder: Path) -> int:
    print(f"{back_up(settings, folder)} is whole: `python -m orchestration restore` with it brings all of it back")
    return 0


def _restore(settings: Settings, backup: Path) -> int:
    made_at = restore(settings, backup)
    print(
        f"{settings.data_dir} is as it was at {made_at}, and a run goes on from there. What was there is in "
        f"{settings.data_dir / BEFORE}: delete it once you do not need it"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

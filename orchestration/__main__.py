"""The project's commands that need every room: run, ui, parse, metrics, docs."""

import argparse
import gc
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from common.settings import PROJECT_DIR, Settings, get_settings
from common.warehouse import DataDirError, WarehouseBusyError
from orchestration.dbt import DbtError


def main() -> int:
    """Run the command; 0 when it did what it says, 1 when it failed, 2 when a setting is wrong."""
    parser = argparse.ArgumentParser(prog="python -m orchestration", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="load, build, validate and publish, in this process")
    commands.add_parser("ui", help="Dagster's web server and daemon on 127.0.0.1")
    commands.add_parser("parse", help="parse the dbt project, which the first command on a data folder does otherwise")
    asking = commands.add_parser(
        "metrics", help="MetricFlow (`mf`) on what is published: query, list, validate-configs"
    )
    asking.add_argument("arguments", nargs=argparse.REMAINDER, help="such as: query --metrics mrr")
    commands.add_parser("docs", help="dbt's documentation site, as one file in the data folder")
    options = parser.parse_args()
    try:
        if options.command == "metrics":
            return _metrics(get_settings(), options.arguments)
        return {"run": _run, "ui": _ui, "parse": _parse, "docs": _docs}[options.command](get_settings())
    except ValidationError as error:
        for problem in error.errors():
            name = "GROWTH_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}={problem['input']!r}: {problem['msg']}", file=sys.stderr)
        return 2
    except DataDirError as error:
        print(error, file=sys.stderr)
        return 2
    except (DbtError, WarehouseBusyError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(settings: Settings) -> int:
    from orchestration.run import run_daily

    # The libraries make millions of objects that live as long as the process: looking through them again and again
    # for garbage, and once more at the end, is a tenth of a small run.
    gc.set_threshold(100_000, 50, 100)
    is_success = run_daily(settings)
    gc.freeze()
    return 0 if is_success else 1


def _ui(settings: Settings) -> int:
    from dagster import DagsterInstance

    from orchestration.run import prepare_dagster_home
    from orchestration.runs import close_dead_runs

    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        close_dead_runs(instance)
    os.chdir(PROJECT_DIR)
    dagster = Path(sys.executable).with_name("dagster")
    os.execv(dagster, [str(dagster), "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(settings.ui_port)])


def _parse(settings: Settings) -> int:
    from orchestration.dbt import current_manifest
    from orchestration.run import prepare_dagster_home

    prepare_dagster_home(settings)
    current_manifest(settings)
    return 0


def _metrics(settings: Settings, arguments: list[str]) -> NoReturn:
    from orchestration.dbt import DBT_PROJECT_DIR, current_manifest, dbt_environment

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
    from common.warehouse import hold
    from orchestration.dbt import invoke_dbt

    target_dir = settings.data_dir / "docs"
    with hold(settings.warehouse_path, "make docs"):
        invoke_dbt(["docs", "generate", "--static"], settings, target_dir)
    print(f"open {target_dir / 'static_index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

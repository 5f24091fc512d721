"""`python -m expectations run LAYER [--table TABLE]` and `python -m expectations list`."""

from warehouse.process import start_command

if __name__ == "__main__":
    # Before anything else, since libraries take a second to load.
    start_command()

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

import duckdb
from pydantic import ValidationError

from expectations.suites import LAYERS, load_suites
from settings import describe_settings_errors, get_settings
from warehouse.folder import DataDirError, full_disk
from warehouse.lock import WarehouseBusyError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 1 when a critical expectation failed or a check could not run."""
    parser = argparse.ArgumentParser(prog="python -m expectations", description="Check the tables of the warehouse.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="check a layer and keep the results in quality.expectation_results")
    run.add_argument("layer", choices=LAYERS)
    run.add_argument("--table", action="append", help="check only this table; may be given more than once")
    commands.add_parser("list", help="print every expectation")
    options = parser.parse_args(arguments)
    try:
        return _list() if options.command == "list" else _run(options.layer, options.table)
    except ValidationError as error:
        print(describe_settings_errors(error), file=sys.stderr)
        return 2
    except (DataDirError, WarehouseBusyError, OSError, duckdb.Error) as error:
        print(full_disk(get_settings().data_dir, error) or error, file=sys.stderr)
        return 1


def _list() -> int:
    for suite in load_suites():
        print(f"\n{suite.layer}.{suite.table}")
        for each in suite.expectations:
            print(f"  {each.severity:8}  {each.name}  ({each.owner}): {each.why}")
    return 0


def _run(layer: str, tables: list[str] | None) -> int:
    from datetime import UTC, datetime

    from expectations.gate import run_layer
    from warehouse.lock import hold

    settings = get_settings()
    run_id = f"expectations-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    with hold(settings.warehouse_path, run_id):
        results = run_layer(settings.warehouse_path, layer, run_id=run_id, as_of=settings.as_of, tables=tables)
    counts: Counter[tuple[str, str]] = Counter((each.table, each.status) for each in results)
    print(f"\n{'table':40} {'passed':>7} {'failed':>7} {'error':>7}")
    for table in dict.fromkeys(each.table for each in results):
        print(f"{table:40} " + " ".join(f"{counts[table, status]:>7}" for status in ("passed", "failed", "error")))
    blocking = sum(each.is_blocking for each in results)
    print(f"\n{len(results)} expectations of {layer}: {blocking} block what comes after it")
    return 1 if blocking else 0


if __name__ == "__main__":
    sys.exit(main())

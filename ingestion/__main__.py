"""`python -m ingestion sample|load|rejects|contract`."""

from warehouse.process import start_command

if __name__ == "__main__":
    # Before anything else, since libraries take a second to load.
    start_command()

import argparse
import sys

import duckdb
from pydantic import ValidationError

from ingestion.errors import SourceError
from ingestion.load import LoadReport, load_sources
from settings import PROJECT_DIR, describe_settings_errors, get_settings
from warehouse.folder import DataDirError, full_disk
from warehouse.lock import WarehouseBusyError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingestion", description="Bring the sources into schema raw.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sample", help="write the sample company, if it is not there yet")
    commands.add_parser("load", help="load new and changed files of the source root into schema raw")
    commands.add_parser("rejects", help="print the rows that are set aside, and why")
    contract = commands.add_parser("contract", help="write the files that follow from ingestion/contract/contract.yml")
    contract.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    options = parser.parse_args(arguments)
    if options.command == "contract":
        return _contract(check=options.check)
    try:
        return {"sample": _sample, "load": _load, "rejects": _rejects}[options.command]()
    except ValidationError as error:
        print(describe_settings_errors(error), file=sys.stderr)
        return 2
    except (DataDirError, SourceError, WarehouseBusyError, OSError, duckdb.Error) as error:
        print(f"error: {full_disk(get_settings().data_dir, error) or error}", file=sys.stderr)
        return 1


def _sample() -> int:
    from sample_company import write_sample_company

    settings = get_settings()
    write_sample_company(settings.sample_dir, size=settings.sample_size)
    return 0


def _load() -> int:
    from warehouse.lock import hold

    settings = get_settings()
    with hold(settings.warehouse_path, "python -m ingestion load"):
        report = load_sources(settings)
    _print(report)
    return 0


def _print(report: LoadReport) -> None:
    print(f"{'table':<38}{'files read':>12}{'rows read':>12}{'changed':>12}{'set aside':>12}{'rows in all':>13}")
    for table in report.tables:
        files = "absent" if table.is_absent else f"{table.files_read:,} of {table.files_seen:,}"
        print(
            f"{table.table_name:<38}{files:>12}{table.rows_read:>12,}{table.rows_changed:>12,}"
            f"{table.rows_set_aside:>12,}{table.rows_total:>13,}"
        )
    for warning in report.warnings:
        print(f"warning: {warning}")
    if report.rows_rejected:
        print(f"{report.rows_rejected:,} rows are set aside in all: `python -m ingestion rejects` lists them")
    print(f"loaded in {report.seconds:.1f} s")


def _rejects() -> int:
    from ingestion.write import ledger
    from warehouse.connection import connect
    from warehouse.lock import hold

    settings = get_settings()
    if not settings.warehouse_path.exists():
        print(f"error: there is no {settings.warehouse_path} yet: load first", file=sys.stderr)
        return 1
    with hold(settings.warehouse_path, "python -m ingestion rejects"), connect(settings.warehouse_path) as connection:
        rejects = connection.execute(
            "select file, position, coalesce(column_name, 'the whole row'), reason, original_text "
            "from raw.rejected_rows order by file, position, column_name"
        ).fetchall()
        rows_replaced = sum(ledger.count_replaced(connection).values())
    for file, position, column, reason, text in rejects:
        print(f"{file} row {position}, {column}: {reason}\n    {text}")
    print(f"{len(rejects) - rows_replaced:,} rows are set aside")
    if rows_replaced:
        print(f"{rows_replaced:,} more are replaced by later ones that have the same key and other values")
    return 0


def _contract(*, check: bool) -> int:
    from ingestion.contract.documents import stale_documents, write_documents

    paths = stale_documents() if check else write_documents()
    for path in paths:
        print(f"{'stale' if check else 'written'}: {path.relative_to(PROJECT_DIR)}")
    if check and paths:
        print("run `python -m ingestion contract` and commit the result")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
